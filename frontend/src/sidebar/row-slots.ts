import type { ReactNode } from "react";
import type { Summary } from "../api/types";

export interface RowContent {
  /** What the row would show; for rows that add to it. */
  content: ReactNode;
  /** The name of the chat, or the label of one that has none. */
  title: string;
  isSelected: boolean;
  /** What is searched for; "" while nothing is. */
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

/** What a host puts into the rows. Functions that stay the same keep rows from being drawn anew. */
export interface RowSlots {
  /** Draws what is in the row's link or button; nothing in it should take clicks or the focus. */
  renderRow?: ((session: Summary, row: RowContent) => ReactNode) | undefined;
  rowActions?: ((session: Summary) => readonly RowAction[]) | undefined;
}

export function actionsIn(placement: "row" | "menu", session: Summary, { rowActions }: RowSlots): RowAction[] {
  return (rowActions?.(session) ?? []).filter((action) => (action.placement ?? "menu") === placement);
}
