import { lazy, type ReactNode, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { useChange } from "../actions/use-change";
import { useDeletion } from "../actions/use-deletion";
import { preloadMenus } from "../actions/use-menu";
import type { Summary } from "../api/types";
import { useToasts } from "../feedback/toasts";
import { useLabels } from "../labels/context";
import { useChatSessions } from "../sessions/context";
import { useSessionList } from "../sessions/use-session-list";
import { ROOT, ThemeSource } from "../ui/theme";
import { useFocusKeeper } from "../ui/use-focus-keeper";
import { useLatched } from "../ui/use-latched";
import { ChoiceBar } from "./choice-bar";
import { DeleteDialogs } from "./delete-dialogs";
import { ArchiveEmpty, ListEmpty, ListError, NothingFound } from "./list-states";
import type { RowSlots } from "./row-slots";
import { SessionList, type SessionListHandle } from "./session-list";
import styles from "./sidebar.module.css";
import { SidebarBar } from "./sidebar-bar";
import { useBulkDeletion } from "./use-bulk-deletion";
import { useChoice } from "./use-choice";
import { useExport } from "./use-export";
import { useFirstHit } from "./use-first-hit";
import { useFocusAfterDialog } from "./use-focus-after-dialog";
import { useFoundAnnouncement } from "./use-found-announcement";
import { type Page, useLoadAll } from "./use-load-all";
import { useSearch } from "./use-search";
import { useSlash } from "./use-slash";

export interface SidebarProps extends RowSlots {
  /** The id of the open chat. */
  selectedId: string | null;
  /** Called with the id of a chat that the user opens, or with null when the open one is deleted here. */
  onSelect: (id: string | null) => void;
  /** "New chat" was pressed; the chat is created with its first message. By default, `onSelect(null)` is called. */
  onNewChat?: () => void;
  /** Hides or shows the sidebar, which is up to the page. If given, there is a button, and Ctrl+B or ⌘B. */
  onToggle?: (() => void) | undefined;
  /** The URL of a chat. If given, rows are links that can be opened in a new tab. */
  hrefOf?: (id: string) => string;
  title?: string;
  footer?: ReactNode;
  className?: string;
}

const ShortcutsDialog = lazy(async () => ({ default: (await import("../actions/menus")).ShortcutsDialog }));

export function Sidebar(props: SidebarProps) {
  const { selectedId, onSelect, onNewChat, onToggle, hrefOf, renderRow, rowActions, title, footer, className } = props;
  const labels = useLabels();
  const { listeners } = useChatSessions();
  const { notifyFailure } = useToasts();
  const sidebar = useRef<HTMLElement>(null);
  const newChatButton = useRef<HTMLButtonElement>(null);
  const menuButton = useRef<HTMLButtonElement>(null);
  const list = useRef<SessionListHandle>(null);
  const latest = useRef({ selectedId, onSelect });
  useEffect(() => {
    latest.current = { selectedId, onSelect };
  });

  const searching = useSearch();
  const { search } = searching;
  const [showsShortcuts, setShowsShortcuts] = useState(false);
  const hasShownShortcuts = useLatched(showsShortcuts || null);
  const [isArchive, setArchive] = useState(false);
  const listing = useMemo(() => ({ q: search, archived: isArchive }), [search, isArchive]);
  const { sessions, ...query } = useSessionList(listing);
  const choice = useChoice(sessions, query.hasNextPage);
  const change = useChange();
  const exporting = useExport();
  const slash = useSlash(sidebar, () => {
    setArchive(false);
    searching.open();
  });
  const focus = useFocusAfterDialog(sidebar, list, { newChat: newChatButton, menu: menuButton });
  const open = (session: Summary) => {
    onSelect(session.id);
    listeners.emit("onOpened", session);
  };
  const startChat = () => {
    searching.leave();
    (onNewChat ?? (() => onSelect(null)))();
  };

  const showArchive = (isShown: boolean) => {
    searching.leave();
    choice.stop();
    setArchive(isShown);
  };

  const onGone = (ids: readonly string[]) => {
    if (latest.current.selectedId !== null && ids.includes(latest.current.selectedId)) {
      latest.current.onSelect(null);
    }
    focus.going(ids, sessions.find((session) => ids.includes(session.id))?.id);
  };
  const page: Page = {
    hasMore: query.hasNextPage,
    isLoading: query.isFetching,
    error: query.isFetchNextPageError ? query.error : null,
    load: () => query.fetchNextPage({ cancelRefetch: false }),
  };
  useLoadAll(choice.isChoosingAll, page, (error) => {
    choice.stopChoosingAll();
    const retry = () => {
      page.load();
      choice.chooseAll();
    };
    notifyFailure({ id: "choose all", title: labels.moreFailed, error, retry });
  });
  const isFound = search !== "" && !query.isPlaceholderData && !query.isFetching;
  useFoundAnnouncement(isFound ? { search, count: sessions.length, hasMore: query.hasNextPage } : null);
  const first = useFirstHit(searching, isFound ? sessions : null, open);
  useFocusKeeper(sidebar, () => list.current?.focusActive() || (newChatButton.current ?? menuButton.current)?.focus());

  const deletion = useDeletion({ onGone: (id) => onGone([id]) });
  const bulk = useBulkDeletion({ chosenCount: choice.chosen?.size ?? 0, onGone, onDone: choice.stop });
  const requestBulk = (which: "chosen" | "all") => {
    if (which === "all" || choice.chosen?.size) {
      focus.opened();
      bulk.request(which);
    }
  };

  const isLoaded = query.data !== undefined;
  const isEmpty = isLoaded && sessions.length === 0 && !query.hasNextPage;
  return (
    <ThemeSource value={sidebar}>
      <nav
        {...ROOT}
        ref={sidebar}
        className={`${styles.sidebar} ${className ?? ""}`}
        aria-label={title ?? labels.chats}
        onPointerEnter={preloadMenus}
        onFocus={preloadMenus}
      >
        <header>
          <SidebarBar
            title={title ?? labels.chats}
            search={searching}
            isSlashOn={slash.isOn}
            isEmpty={sessions.length === 0}
            newChatButton={newChatButton}
            menuButton={menuButton}
            onNewChat={startChat}
            onEnter={first.want}
            onIntoList={() => list.current?.focusActive()}
            onToggle={onToggle}
            isArchive={isArchive}
            isExporting={exporting.isBusy}
            onExport={exporting.start}
            onArchive={() => showArchive(true)}
            onLeaveArchive={() => showArchive(false)}
            onChoose={() => choice.start()}
            onChooseAll={() => {
              choice.start();
              choice.chooseAll();
            }}
            onDeleteAll={() => requestBulk("all")}
            onShortcuts={() => setShowsShortcuts(true)}
          />
        </header>

        {!isLoaded && query.error && (
          <ListError error={query.error} isRetrying={query.isFetching} onRetry={() => query.refetch()} />
        )}
        {isEmpty && search === "" && (isArchive ? <ArchiveEmpty /> : <ListEmpty />)}
        {isEmpty && search !== "" && <NothingFound search={search} onClear={searching.leave} />}
        {(query.isPending || (isLoaded && !isEmpty)) && (
          <SessionList
            handle={list}
            sessions={sessions}
            snippets={query.snippets}
            isLoading={query.isPending}
            total={search !== "" && !query.hasNextPage ? sessions.length : (query.total ?? 0)}
            listing={listing}
            selectedId={selectedId}
            chosen={choice.chosen}
            onChooseAll={choice.chooseAll}
            onStopChoosing={choice.stop}
            onDeleteChosen={() => requestBulk("chosen")}
            page={page}
            actions={{
              open,
              requestDelete: (session) => {
                focus.opened(session.id);
                deletion.request(session);
              },
              rename: change.rename,
              pin: change.pin,
              archive: change.archive,
              choose: (session, how) => choice[how](session),
              hrefOf,
              renderRow,
              rowActions,
            }}
          />
        )}

        {choice.chosen ? (
          <ChoiceBar
            count={choice.chosen.size}
            hiddenCount={choice.hiddenCount}
            isChoosingAll={choice.isChoosingAll}
            onDelete={() => requestBulk("chosen")}
            onDone={choice.stop}
          />
        ) : (
          footer && <footer className={styles.footer}>{footer}</footer>
        )}

        <DeleteDialogs deletion={deletion} bulk={bulk} chosen={choice.chosen} onClosed={focus.closed} />
        {hasShownShortcuts && (
          <Suspense>
            <ShortcutsDialog
              open={showsShortcuts}
              opener={menuButton}
              onClose={() => setShowsShortcuts(false)}
              isSlashOn={slash.isOn}
              onSlash={slash.setOn}
            />
          </Suspense>
        )}
      </nav>
    </ThemeSource>
  );
}
