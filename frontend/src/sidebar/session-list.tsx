import { defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import {
  type KeyboardEvent,
  type RefObject,
  useCallback,
  useEffect,
  useImperativeHandle,
  useMemo,
  useRef,
  useState,
} from "react";
import { useDeletedElsewhere } from "../actions/use-deleted-elsewhere";
import { useMenu } from "../actions/use-menu";
import type { Summary } from "../api/types";
import { useLanguage } from "../labels/context";
import type { Listing } from "../sessions/keys";
import { useHasPainted } from "../ui/use-has-painted";
import { useLatched } from "../ui/use-latched";
import { type Heading, type ListItem, listItems } from "./list-items";
import { listCommand } from "./list-keys";
import { ListLoading } from "./list-states";
import { LoadMore } from "./load-more";
import styles from "./session-list.module.css";
import { type RowActions, SessionRow } from "./session-row";
import { StickyHeading } from "./sticky-heading";
import type { Chosen } from "./use-choice";
import { useEndKey } from "./use-end-key";
import { useGlide } from "./use-glide";
import { neighbourOf, useListFocus } from "./use-list-focus";
import type { Page } from "./use-load-all";
import { useToday } from "./use-today";

export interface SessionListHandle {
  /** Returns a function that focuses the next remaining row after a deletion; it returns false if none is left. */
  focusAfter: (isGone: (id: string) => boolean, from: string) => () => boolean;
  focusRow: (id: string) => void;
  /** False if there is no row. */
  focusActive: () => boolean;
}

interface SessionListProps {
  handle: RefObject<SessionListHandle | null>;
  sessions: readonly Summary[];
  /** Matching messages of a search, by session id. */
  snippets: Readonly<Record<string, string>>;
  isLoading: boolean;
  total: number;
  listing: Listing;
  selectedId: string | null;
  chosen: Chosen | null;
  actions: Omit<RowActions, "register" | "focusRow" | "startRenaming" | "toggleMenu">;
  onChooseAll: () => void;
  onStopChoosing: () => void;
  onDeleteChosen: () => void;
  page: Page;
}

const ROW = 33;
const HEADING = 32;
const OVERSCAN = 4;
const LOAD_BEFORE_END = 15;

export function SessionList(props: SessionListProps) {
  const { handle, sessions, total, listing, selectedId, chosen, page } = props;
  const { labels, format } = useLanguage();
  const scroller = useRef<HTMLDivElement>(null);
  const today = useToday();
  const [renaming, setRenaming] = useState<Summary | null>(null);
  const rest = useCallback(() => scroller.current?.focus(), []);
  const focus = useListFocus(sessions, selectedId, renaming && rest);
  const { activeId, register } = focus;

  const items = useMemo(
    () => listItems(sessions, today, { hasMore: page.hasMore, isSearch: listing.q !== "" }),
    [sessions, today, page.hasMore, listing.q],
  );
  const indexOf = (id: string | null) => items.findIndex((item) => item.key === id);
  const activeIndex = indexOf(activeId);
  const hasPainted = useHasPainted(sessions.length > 0);
  const virtualizer = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    getItemKey: (index) => items[index]?.key ?? index,
    estimateSize: (index) => (items[index]?.kind === "heading" ? HEADING : ROW),
    overscan: hasPainted ? OVERSCAN : 0,
    scrollPaddingStart: HEADING,
    scrollPaddingEnd: ROW,
    // The row that Tab reaches stays in the document, even if it is out of view.
    rangeExtractor: (range) =>
      [...new Set([...defaultRangeExtractor(range), ...(activeIndex < 0 ? [] : [activeIndex])])].sort((a, b) => a - b),
  });
  const shown = virtualizer.getVirtualItems();
  const isGliding = useGlide(sessions, props.listing);
  const labelOf = ({ group }: Heading) => (typeof group === "string" ? labels[group] : format.month(group, today));
  const isHeading = (item: ListItem): item is Heading => item.kind === "heading";
  const firstShown = virtualizer.range?.startIndex ?? 0;
  const heading = items.slice(0, firstShown + 1).findLast(isHeading);
  const nextHeading = items.findIndex((item, index) => index > firstShown && isHeading(item));

  const lastShown = virtualizer.range?.endIndex ?? 0;
  const isNearEnd = lastShown >= items.length - LOAD_BEFORE_END;
  useEffect(() => {
    if (isNearEnd && page.hasMore && !page.isLoading && !page.error) {
      page.load();
    }
  }, [isNearEnd, page]);

  const focusRow = (wanted: string) => {
    const id = indexOf(wanted) < 0 ? activeId : wanted;
    if (id !== null) {
      virtualizer.scrollToIndex(indexOf(id), { align: "auto" });
      focus.focusRow(id);
    }
  };
  const focusActive = () => {
    if (activeId !== null) {
      focusRow(activeId);
    }
    return activeId !== null;
  };
  useImperativeHandle(handle, () => ({
    focusRow,
    focusActive,
    focusAfter: (isGone, from) => {
      const next = neighbourOf(sessions, isGone, from);
      return () => {
        if (next !== null) {
          focus.focusRow(next);
        }
        return next !== null;
      };
    },
  }));

  const menu = useMenu<Summary>();
  const latestMenu = useLatched(menu.opened);
  const end = useEndKey(sessions, page, focusRow);
  useDeletedElsewhere(renaming, () => setRenaming(null));
  useDeletedElsewhere(menu.opened?.subject ?? null, () => {
    menu.close();
    // The next row is known after the list has rendered without the deleted one.
    requestAnimationFrame(() => handle.current?.focusActive());
  });
  const latest = useRef({ ...props.actions, focusRow, toggleMenu: menu.toggle });
  useEffect(() => {
    latest.current = { ...props.actions, focusRow, toggleMenu: menu.toggle };
  });
  const { hrefOf, renderRow, rowActions } = props.actions;
  const actions = useMemo<RowActions>(
    () => ({
      open: (session) => latest.current.open(session),
      requestDelete: (session) => latest.current.requestDelete(session),
      rename: (session, renaming) => latest.current.rename(session, renaming),
      pin: (session, isPinned) => latest.current.pin(session, isPinned),
      archive: (session, isArchived) => latest.current.archive(session, isArchived),
      choose: (session, how) => latest.current.choose(session, how),
      focusRow: (id) => latest.current.focusRow(id),
      toggleMenu: (session, button) => latest.current.toggleMenu(session, button),
      startRenaming: setRenaming,
      register,
      hrefOf,
      renderRow,
      rowActions,
    }),
    [register, hrefOf, renderRow, rowActions],
  );

  const onKeyDown = (event: KeyboardEvent) => {
    end.stop();
    const command = listCommand(event, {
      sessions,
      activeId,
      isChoosing: chosen !== null,
      ...actions,
      focusRow,
      rename: setRenaming,
      goToEnd: end.go,
      chooseAll: props.onChooseAll,
      stopChoosing: props.onStopChoosing,
      deleteChosen: props.onDeleteChosen,
    });
    if (command) {
      event.preventDefault();
      command();
    }
  };

  return (
    <div ref={scroller} className={styles.scroller} tabIndex={-1} onPointerDown={end.stop} onWheel={end.stop}>
      {props.isLoading && <ListLoading />}
      {heading && (
        <StickyHeading
          label={labelOf(heading)}
          nextStart={virtualizer.measurementsCache[nextHeading]?.start ?? Number.POSITIVE_INFINITY}
        />
      )}
      <ul
        className={styles.list}
        data-gliding={isGliding || undefined}
        style={{ height: virtualizer.getTotalSize() }}
        onKeyDown={onKeyDown}
        onBlur={(event) => focus.onBlur(event.relatedTarget !== null)}
      >
        {shown.map(({ key, index, start }) => {
          const item = items[index];
          return (
            <li
              key={key}
              ref={virtualizer.measureElement}
              data-index={index}
              className={styles.item}
              style={{ transform: `translateY(${start}px)` }}
              {...(item?.kind === "session" && {
                "aria-posinset": item.position,
                "aria-setsize": total,
                "data-session": item.session.id,
                onFocus: () => focus.onFocus(item.session.id),
              })}
            >
              {item?.kind === "heading" && <h3 className={styles.heading}>{labelOf(item)}</h3>}
              {item?.kind === "session" && (
                <SessionRow
                  session={item.session}
                  isSelected={item.session.id === selectedId}
                  isActive={item.session.id === activeId}
                  isRenaming={item.session.id === renaming?.id}
                  hasButtons={hasPainted || item.session.id === activeId}
                  isMenuOpen={item.session.id === menu.opened?.subject.id}
                  isChosen={chosen?.has(item.session.id) ?? null}
                  search={listing.q}
                  snippet={props.snippets[item.session.id]}
                  actions={actions}
                />
              )}
              {item?.kind === "more" && <LoadMore error={page.error} onRetry={page.load} />}
            </li>
          );
        })}
      </ul>
      {latestMenu && (
        <latestMenu.menus.RowMenu
          session={latestMenu.subject}
          anchor={menu.opened?.button ?? null}
          onClose={menu.close}
          actions={actions}
        />
      )}
    </div>
  );
}
