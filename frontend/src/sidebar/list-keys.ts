import type { KeyboardEvent } from "react";
import type { Summary } from "../api/types";

interface ListKeys {
  sessions: readonly Summary[];
  activeId: string | null;
  isChoosing: boolean;
  focusRow: (id: string) => void;
  ask: (session: Summary) => void;
  rename: (session: Summary) => void;
  goToEnd: () => void;
  pin: (session: Summary, isPinned: boolean) => void;
  archive: (session: Summary, isArchived: boolean) => void;
  choose: (session: Summary, how: "start" | "toggle") => void;
  chooseAll: () => void;
  stopChoosing: () => void;
  deleteChosen: () => void;
}

const PAGE = 10;

/** What a key does in the list, if anything; it acts on the row that has the focus. */
export function listCommand(event: KeyboardEvent, keys: ListKeys): (() => void) | undefined {
  const { sessions, isChoosing } = keys;
  const position = sessions.findIndex((session) => session.id === keys.activeId);
  const session = sessions[position];
  if (!session || event.altKey || event.defaultPrevented) {
    return undefined;
  }
  if (event.ctrlKey || event.metaKey) {
    return isChoosing && event.key === "a" ? keys.chooseAll : undefined;
  }
  const goTo = (to: number) => () => {
    const target = sessions[Math.max(0, Math.min(to, sessions.length - 1))];
    keys.focusRow(target?.id ?? session.id);
  };
  switch (event.key) {
    case "ArrowDown":
      return goTo(position + 1);
    case "ArrowUp":
      return goTo(position - 1);
    case "PageDown":
      return goTo(position + PAGE);
    case "PageUp":
      return goTo(position - PAGE);
    case "Home":
      return goTo(0);
    case "End":
      return keys.goToEnd;
    case "Delete":
      return isChoosing ? keys.deleteChosen : () => keys.ask(session);
    case "F2":
      return isChoosing ? undefined : () => keys.rename(session);
    case "p":
      return isChoosing ? undefined : () => keys.pin(session, !session.is_pinned);
    case "e":
      return isChoosing ? undefined : () => keys.archive(session, !session.is_archived);
    case "x":
      return () => keys.choose(session, isChoosing ? "toggle" : "start");
    case "Escape":
      return isChoosing ? keys.stopChoosing : undefined;
    default:
      return undefined;
  }
}
