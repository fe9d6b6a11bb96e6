import { Archive, CheckCheck, Download, Keyboard, ListChecks, Trash2 } from "lucide-react";
import { useLabels } from "../labels/context";
import { Action, ActionMenu, ActionSeparator } from "../ui/action-menu";

export interface SidebarMenuActions {
  isEmpty: boolean;
  search: string;
  isArchive: boolean;
  isExporting: boolean;
  onExport: () => void;
  onArchive: () => void;
  onChoose: () => void;
  onChooseAll: () => void;
  onDeleteAll: () => void;
  onShortcuts: () => void;
}

interface SidebarMenuProps extends SidebarMenuActions {
  anchor: HTMLElement | null;
  onClose: () => void;
}

export function SidebarMenu({ anchor, onClose, isEmpty, search, isArchive, isExporting, ...on }: SidebarMenuProps) {
  const labels = useLabels();
  return (
    <ActionMenu label={labels.more} anchor={anchor} onClose={onClose}>
      <Action icon={<ListChecks aria-hidden />} disabled={isEmpty} onClick={on.onChoose}>
        {labels.selectChats}
      </Action>
      {search !== "" && (
        <Action icon={<CheckCheck aria-hidden />} disabled={isEmpty} onClick={on.onChooseAll}>
          {labels.selectFound}
        </Action>
      )}
      {!isArchive && (
        <Action icon={<Archive aria-hidden />} onClick={on.onArchive}>
          {labels.archivedChats}
        </Action>
      )}
      <Action icon={<Download aria-hidden />} disabled={isExporting} onClick={on.onExport}>
        {labels.exportChats}
      </Action>
      <Action icon={<Keyboard aria-hidden />} onClick={on.onShortcuts}>
        {labels.keyboardShortcuts}
      </Action>
      {!isArchive && search === "" && (
        <>
          <ActionSeparator />
          <Action icon={<Trash2 aria-hidden />} look="danger" disabled={isEmpty} onClick={on.onDeleteAll}>
            {labels.deleteAll}
          </Action>
        </>
      )}
    </ActionMenu>
  );
}
