import { Archive, ArchiveRestore, ListChecks, PencilLine, Pin, PinOff, Trash2 } from "lucide-react";
import type { Summary } from "../api/types";
import { useLabels } from "../labels/context";
import { titleOf } from "../sessions/titles";
import { Action, ActionMenu, ActionSeparator } from "../ui/action-menu";
import { useMedia } from "../ui/use-media";
import { actionsIn } from "./row-slots";
import type { RowActions } from "./session-row";
import { TOUCH } from "./touch";

interface RowMenuProps {
  session: Summary;
  anchor: HTMLElement | null;
  onClose: () => void;
  actions: RowActions;
}

export function RowMenu({ session, anchor, onClose, actions }: RowMenuProps) {
  const labels = useLabels();
  const { is_pinned, is_archived } = session;
  // On touch screens a row has no room for the host's actions.
  const inRow = useMedia(TOUCH) ? actionsIn("row", session, actions) : [];
  return (
    <ActionMenu label={labels.moreFor(titleOf(session, labels))} anchor={anchor} onClose={onClose}>
      <Action icon={<PencilLine aria-hidden />} shortcut="F2" onClick={() => actions.startRenaming(session)}>
        {labels.rename}
      </Action>
      <Action
        icon={is_pinned ? <PinOff aria-hidden /> : <Pin aria-hidden />}
        shortcut="P"
        onClick={() => actions.pin(session, !is_pinned)}
      >
        {is_pinned ? labels.unpin : labels.pin}
      </Action>
      <Action
        icon={is_archived ? <ArchiveRestore aria-hidden /> : <Archive aria-hidden />}
        shortcut="E"
        onClick={() => actions.archive(session, !is_archived)}
      >
        {is_archived ? labels.unarchive : labels.archive}
      </Action>
      <Action icon={<ListChecks aria-hidden />} shortcut="X" onClick={() => actions.choose(session, "start")}>
        {labels.select}
      </Action>
      {[...inRow, ...actionsIn("menu", session, actions)].map(({ label, icon, disabled, onSelect }) => (
        <Action key={label} icon={icon} disabled={disabled} onClick={() => onSelect(session)}>
          {label}
        </Action>
      ))}
      <ActionSeparator />
      <Action
        icon={<Trash2 aria-hidden />}
        shortcut={labels.keyDelete}
        look="danger"
        onClick={() => actions.requestDelete(session)}
      >
        {labels.deleteWithDialog}
      </Action>
    </ActionMenu>
  );
}
