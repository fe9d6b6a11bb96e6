import { Archive, ArchiveRestore, PencilLine, Pin, PinOff, Trash2 } from "lucide-react";
import type { Summary } from "../api/types";
import { useLabels } from "../labels/context";
import { Action, ActionMenu, ActionSeparator } from "../ui/action-menu";

interface ChatMenuProps {
  session: Pick<Summary, "is_pinned" | "is_archived">;
  anchor: HTMLElement | null;
  onClose: () => void;
  onRename: () => void;
  onPin: (isPinned: boolean) => void;
  onArchive: (isArchived: boolean) => void;
  onDelete: () => void;
}

/** The actions of the open chat. */
export function ChatMenu({ session, anchor, onClose, onRename, onPin, onArchive, onDelete }: ChatMenuProps) {
  const labels = useLabels();
  const { is_pinned, is_archived } = session;
  return (
    <ActionMenu label={labels.moreForChat} anchor={anchor} onClose={onClose}>
      <Action icon={<PencilLine aria-hidden />} onClick={onRename}>
        {labels.rename}
      </Action>
      <Action icon={is_pinned ? <PinOff aria-hidden /> : <Pin aria-hidden />} onClick={() => onPin(!is_pinned)}>
        {is_pinned ? labels.unpin : labels.pin}
      </Action>
      <Action
        icon={is_archived ? <ArchiveRestore aria-hidden /> : <Archive aria-hidden />}
        onClick={() => onArchive(!is_archived)}
      >
        {is_archived ? labels.unarchive : labels.archive}
      </Action>
      <ActionSeparator />
      <Action icon={<Trash2 aria-hidden />} look="danger" onClick={onDelete}>
        {labels.deleteWithDialog}
      </Action>
    </ActionMenu>
  );
}
