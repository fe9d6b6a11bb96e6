import type { ReactNode } from "react";
import type { Summary } from "../api/types";

export interface RowContent {
  /** What the row shows by default, for hosts that add to it. */
  content: ReactNode;
  /** The title of the chat, or the label for an untitled one. */
  title: string;
  isSelected: boolean;
  /** The search text; "" if there is no search. */
  search: string;
}

export interface RowAction {
  label: string;
  icon?: ReactNode;
  onSelect: (session: Summary) => void;
  /** In the row beside the trash icon, or in the row's menu, which is the default. */
  placement?: "row" | "menu";
  disabled?: boolean;
}

/** What a host can put into the rows. Keep the functions stable, so that rows do not render again. */
export interface RowSlots {
  /** Renders the content of the row's link or button. Nothing in it should be clickable or focusable. */
  renderRow?: ((session: Summary, row: RowContent) => ReactNode) | undefined;
  rowActions?: ((session: Summary) => readonly RowAction[]) | undefined;
}

export function actionsIn(placement: "row" | "menu", session: Summary, { rowActions }: RowSlots): RowAction[] {
  return (rowActions?.(session) ?? []).filter((action) => (action.placement ?? "menu") === placement);
}
