import { Ellipsis, Pin, Trash2 } from "lucide-react";
import { type MouseEvent, memo } from "react";
import type { Renaming } from "../api/rename-session";
import type { Summary } from "../api/types";
import { useLabels } from "../labels/context";
import { titleOf } from "../sessions/titles";
import { IconButton } from "../ui/button";
import { Highlighted } from "./highlighted";
import { RenameField } from "./rename-field";
import styles from "./session-row.module.css";

export interface RowActions {
  open: (session: Summary) => void;
  ask: (session: Summary) => void;
  rename: (session: Summary, renaming: Renaming) => void;
  pin: (session: Summary, isPinned: boolean) => void;
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
  isMenuOpen: boolean;
  /** Null while nothing is being chosen. */
  isChosen: boolean | null;
  search: string;
  actions: RowActions;
}

export const SessionRow = memo(function SessionRow(props: SessionRowProps) {
  const { session, isSelected, isActive, isRenaming, isMenuOpen, isChosen, search, actions } = props;
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
        <span className={styles.title}>
          <Highlighted text={title} search={search} />
        </span>
        {session.is_pinned && <Pin className={styles.pinned} aria-label={labels.pinned} />}
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
  const content = (
    <>
      <span className={styles.title}>
        <Highlighted text={title} search={search} />
      </span>
      {session.is_pinned && <Pin className={styles.pinned} aria-label={labels.pinned} />}
    </>
  );

  return (
    <div className={styles.row} data-selected={isSelected || undefined}>
      {actions.hrefOf ? (
        <a {...link} href={actions.hrefOf(session.id)} draggable={false}>
          {content}
        </a>
      ) : (
        <button {...link} type="button">
          {content}
        </button>
      )}
      <div className={styles.actions}>
        <IconButton
          className={styles.action}
          label={labels.moreFor(title)}
          title={labels.more}
          aria-haspopup="menu"
          aria-expanded={isMenuOpen}
          tabIndex={tabIndex}
          onClick={(event) => actions.toggleMenu(session, event.currentTarget)}
        >
          <Ellipsis aria-hidden />
        </IconButton>
        <IconButton
          className={styles.action}
          label={labels.deleteChat(title)}
          title={labels.deleteHint(labels.keyDelete)}
          tabIndex={tabIndex}
          onClick={() => actions.ask(session)}
        >
          <Trash2 aria-hidden />
        </IconButton>
      </div>
    </div>
  );
});
