import { type CSSProperties, type MouseEvent, memo } from "react";
import { RenameField } from "../actions/rename-field";
import type { Renaming } from "../api/rename-session";
import type { Summary } from "../api/types";
import { useLabels } from "../labels/context";
import { titleOf } from "../sessions/titles";
import { aroundFound } from "../text/fold";
import { Highlighted } from "./highlighted";
import { RowButtons } from "./row-buttons";
import { actionsIn, type RowSlots } from "./row-slots";
import styles from "./session-row.module.css";

export interface RowActions extends RowSlots {
  open: (session: Summary) => void;
  requestDelete: (session: Summary) => void;
  rename: (session: Summary, renaming: Renaming) => void;
  pin: (session: Summary, isPinned: boolean) => void;
  archive: (session: Summary, isArchived: boolean) => void;
  choose: (session: Summary, how: "start" | "toggle" | "extend") => void;
  toggleMenu: (session: Summary, button: HTMLElement) => void;
  startRenaming: (session: Summary | null) => void;
  register: (id: string, element: HTMLElement | null) => void;
  focusRow: (id: string) => void;
  hrefOf?: (id: string) => string;
}

interface SessionRowProps {
  session: Summary;
  /** The open one. */
  isSelected: boolean;
  /** The one that Tab reaches. */
  isActive: boolean;
  isRenaming: boolean;
  /** They are most of a row's elements, and show on hover only: the first paint has just those that Tab reaches. */
  hasButtons: boolean;
  isMenuOpen: boolean;
  /** Null unless the user is choosing chats. */
  isChosen: boolean | null;
  search: string;
  /** The part of a message that matches the search. */
  snippet: string | undefined;
  actions: RowActions;
}

export const SessionRow = memo(function SessionRow(props: SessionRowProps) {
  const { session, isSelected, isActive, isRenaming, hasButtons, isMenuOpen, isChosen, search, snippet, actions } =
    props;
  const labels = useLabels();
  const title = titleOf(session, labels);
  const tabIndex = isActive ? 0 : -1;

  if (isRenaming) {
    return (
      <div className={styles.row} data-renaming>
        <RenameField
          session={session}
          onDone={(renaming, how) => {
            actions.startRenaming(null);
            if (renaming !== null) {
              actions.rename(session, renaming);
            }
            if (how === "key") {
              actions.focusRow(session.id);
            }
          }}
        />
      </div>
    );
  }

  if (isChosen !== null) {
    return (
      <label className={styles.row} data-chosen={isChosen || undefined}>
        <input
          type="checkbox"
          className={styles.check}
          ref={(element) => actions.register(session.id, element)}
          tabIndex={tabIndex}
          checked={isChosen}
          onChange={({ nativeEvent }) =>
            actions.choose(session, nativeEvent instanceof MouseEvent && nativeEvent.shiftKey ? "extend" : "toggle")
          }
        />
        <span className={styles.title} dir="auto">
          <Highlighted text={title} search={search} />
        </span>
      </label>
    );
  }

  const onClick = (event: MouseEvent) => {
    const isForBrowser = event.metaKey || event.ctrlKey || event.button !== 0;
    if (event.shiftKey) {
      event.preventDefault();
      actions.choose(session, "start");
    } else if (!isForBrowser) {
      event.preventDefault();
      actions.open(session);
    }
  };
  const link = {
    ref: (element: HTMLElement | null) => actions.register(session.id, element),
    className: styles.link,
    tabIndex,
    title,
    "aria-current": isSelected ? ("page" as const) : undefined,
    onClick,
  };
  const extra = actionsIn("row", session, actions);
  const titleText = (
    <span className={styles.title} dir="auto">
      <Highlighted text={title} search={search} />
    </span>
  );
  const content =
    snippet === undefined ? (
      titleText
    ) : (
      <span className={styles.texts}>
        {titleText}
        <span className={styles.snippet} dir="auto">
          <Highlighted text={aroundFound(snippet, search)} search={search} />
        </span>
      </span>
    );
  const isInOtherList = search !== "" && session.is_archived;
  const shown = (
    <span className={styles.window}>
      <span className={styles.content}>
        {actions.renderRow?.(session, { content, title, isSelected, search }) ?? content}
        {isInOtherList && <span className={styles.tag}>{labels.archived}</span>}
      </span>
    </span>
  );

  return (
    <div
      className={styles.row}
      data-selected={isSelected || undefined}
      style={extra.length > 0 ? ({ "--actions": extra.length + 2 } as CSSProperties) : undefined}
    >
      {actions.hrefOf ? (
        <a {...link} href={actions.hrefOf(session.id)} draggable={false}>
          {shown}
        </a>
      ) : (
        <button {...link} type="button">
          {shown}
        </button>
      )}
      {hasButtons && (
        <RowButtons
          session={session}
          title={title}
          extra={extra}
          isMenuOpen={isMenuOpen}
          tabIndex={tabIndex}
          actions={actions}
        />
      )}
    </div>
  );
});
