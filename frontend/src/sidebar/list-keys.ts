import type { KeyboardEvent } from "react";
import type { Summary } from "../api/types";

interface ListActions {
  sessions: readonly Summary[];
  activeId: string | null;
  isChoosing: boolean;
  focusRow: (id: string) => void;
  requestDelete: (session: Summary) => void;
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

/** What a key does in the list, if anything. Most keys act on the focused row. */
export function listCommand(event: KeyboardEvent, list: ListActions): (() => void) | undefined {
  const { sessions, isChoosing } = list;
  const position = sessions.findIndex((session) => session.id === list.activeId);
  const session = sessions[position];
  if (!session || event.altKey || event.defaultPrevented) {
    return undefined;
  }
  if (event.ctrlKey || event.metaKey) {
    return isChoosing && event.key === "a" ? list.chooseAll : undefined;
  }
  const goTo = (to: number) => () => {
    const target = sessions[Math.max(0, Math.min(to, sessions.length - 1))];
    list.focusRow(target?.id ?? session.id);
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
      return list.goToEnd;
    case "Delete":
      return isChoosing ? list.deleteChosen : () => list.requestDelete(session);
    case "F2":
      return isChoosing ? undefined : () => list.rename(session);
    case "p":
      return isChoosing ? undefined : () => list.pin(session, !session.is_pinned);
    case "e":
      return isChoosing ? undefined : () => list.archive(session, !session.is_archived);
    case "x":
      return () => list.choose(session, isChoosing ? "toggle" : "start");
    case "Escape":
      return isChoosing ? list.stopChoosing : undefined;
    default:
      return undefined;
  }
}
