import { type RefObject, useRef } from "react";
import type { SessionListHandle } from "./session-list";

/** Where the focus goes when a dialog closes: back to what opened it, or on to the row that takes the place of those gone. */
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
        // Menus are outside of the sidebar. Their items stay in the document while they fade out, but take no focus.
        if (opener instanceof HTMLElement && sidebar.current?.contains(opener)) {
          opener.focus();
        } else if (id && list.current) {
          list.current.focusRow(id);
        } else {
          menu.current?.focus();
        }
      };
    },
    /** To be called while the rows are still there. */
    going: (ids: readonly string[], from: string | undefined) => {
      const gone = new Set(ids);
      const focusNext = from === undefined ? undefined : list.current?.focusAfter((id) => gone.has(id), from);
      const focus = () => void (focusNext?.() || (newChat.current ?? menu.current)?.focus());
      restore.current = focus;
      // A retry from a toast has no dialog that could give the focus back.
      requestAnimationFrame(() => {
        if (document.activeElement === document.body && !document.querySelector("[role=alertdialog]")) {
          focus();
        }
      });
    },
    closed: () => restore.current(),
  };
}
