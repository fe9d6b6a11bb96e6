import { Keyboard, ListChecks, Trash2 } from "lucide-react";
import { Action, ActionMenu, ActionSeparator } from "../ui/action-menu";

interface SidebarMenuProps {
  isEmpty: boolean;
  search: string;
  onChoose: () => void;
  onDeleteAll: () => void;
  onShortcuts: () => void;
}

export function SidebarMenu({ isEmpty, search, onChoose, onDeleteAll, onShortcuts }: SidebarMenuProps) {
  return (
    <ActionMenu label="More">
      <Action icon={<ListChecks aria-hidden />} disabled={isEmpty} onClick={onChoose}>
        Select chats
      </Action>
      <Action icon={<Keyboard aria-hidden />} onClick={onShortcuts}>
        Keyboard shortcuts
      </Action>
      <ActionSeparator />
      <Action icon={<Trash2 aria-hidden />} look="danger" disabled={isEmpty} onClick={onDeleteAll}>
        {search === "" ? "Delete all…" : "Delete all found…"}
      </Action>
    </ActionMenu>
  );
}
