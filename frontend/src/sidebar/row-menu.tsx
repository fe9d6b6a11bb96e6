import { useMenuStore } from "@ariakit/react";
import { ListChecks, PencilLine, Pin, PinOff, Trash2 } from "lucide-react";
import { useState } from "react";
import type { Summary } from "../api/types";
import { titleOf } from "../sessions/titles";
import { Action, ActionSeparator, MenuPopup } from "../ui/action-menu";
import { useLatched } from "../ui/use-latched";
import type { RowActions } from "./session-row";

/** One menu for all rows: a menu in each of them would make scrolling slow. */
export function useRowMenu() {
  const [session, setSession] = useState<Summary | null>(null);
  const store = useMenuStore({
    placement: "bottom-end",
    open: session !== null,
    setOpen: (open) => !open && setSession(null),
  });
  return {
    store,
    session,
    toggle: (wanted: Summary, button: HTMLElement) => {
      store.setDisclosureElement(button);
      store.setAnchorElement(button);
      store.setInitialFocus("first");
      store.setAutoFocusOnShow(true);
      setSession((before) => (before?.id === wanted.id ? null : wanted));
    },
  };
}

interface RowMenuProps {
  menu: ReturnType<typeof useRowMenu>;
  actions: RowActions;
}

export function RowMenu({ menu, actions }: RowMenuProps) {
  const session = useLatched(menu.session);
  if (!session) {
    return null;
  }
  const { id, is_pinned } = session;
  return (
    <MenuPopup store={menu.store} aria-label={`More for “${titleOf(session)}”`}>
      <Action icon={<PencilLine aria-hidden />} shortcut="F2" onClick={() => actions.startRenaming(id)}>
        Rename
      </Action>
      <Action
        icon={is_pinned ? <PinOff aria-hidden /> : <Pin aria-hidden />}
        shortcut="P"
        onClick={() => actions.pin(session, !is_pinned)}
      >
        {is_pinned ? "Unpin" : "Pin"}
      </Action>
      <Action icon={<ListChecks aria-hidden />} shortcut="X" onClick={() => actions.choose(session, "start")}>
        Select
      </Action>
      <ActionSeparator />
      <Action icon={<Trash2 aria-hidden />} shortcut="Del" look="danger" onClick={() => actions.ask(session)}>
        Delete…
      </Action>
    </MenuPopup>
  );
}
