import { type RefObject, useRef } from "react";
import type { SessionListHandle } from "./session-list";

/** Moves the focus when a dialog closes: back to what opened it, or after a deletion to the next row. */
export function useFocusAfterDialog(
  sidebar: RefObject<HTMLElement | null>,
  list: RefObject<SessionListHandle | null>,
  { newChat, menu }: Record<"newChat" | "menu", RefObject<HTMLButtonElement | null>>,
) {
  const restore = useRef<() => void>(() => undefined);
  return {
    opened: (id?: string) => {
      const opener = document.activeElement;
      restore.current = () => {
        // Menus are outside the sidebar. Their items stay in the document while fading out, but cannot be focused.
        if (opener instanceof HTMLElement && sidebar.current?.contains(opener)) {
          opener.focus();
        } else if (id && list.current) {
          list.current.focusRow(id);
        } else {
          menu.current?.focus();
        }
      };
    },
    /** Call it while the rows are still in the list. */
    going: (ids: readonly string[], from: string | undefined) => {
      const gone = new Set(ids);
      const focusNext = from === undefined ? undefined : list.current?.focusAfter((id) => gone.has(id), from);
      const focus = () => void (focusNext?.() || (newChat.current ?? menu.current)?.focus());
      restore.current = focus;
      // A retry from a toast has no dialog whose closing would move the focus.
      requestAnimationFrame(() => {
        if (document.activeElement === document.body && !document.querySelector("[role=alertdialog]")) {
          focus();
        }
      });
    },
    closed: () => restore.current(),
  };
}
