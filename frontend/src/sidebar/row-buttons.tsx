import { Ellipsis, Trash2 } from "lucide-react";
import type { Summary } from "../api/types";
import { useLabels } from "../labels/context";
import { IconButton } from "../ui/button";
import type { RowAction } from "./row-slots";
import type { RowActions } from "./session-row";
import styles from "./session-row.module.css";

interface RowButtonsProps {
  session: Summary;
  title: string;
  extra: readonly RowAction[];
  isMenuOpen: boolean;
  tabIndex: number;
  actions: RowActions;
}

/** Shown at the end of a row on hover: the host's actions, the menu, and the trash icon. */
export function RowButtons({ session, title, extra, isMenuOpen, tabIndex, actions }: RowButtonsProps) {
  const labels = useLabels();
  return (
    <div className={styles.actions}>
      {extra.map(({ label, icon, disabled, onSelect }) => (
        <IconButton
          key={label}
          className={styles.action}
          label={label}
          disabled={disabled}
          tabIndex={tabIndex}
          onClick={() => onSelect(session)}
        >
          {icon ?? label}
        </IconButton>
      ))}
      <IconButton
        className={`${styles.action} ${styles.menu}`}
        label={labels.moreFor(title)}
        title={labels.more}
        aria-haspopup="menu"
        aria-expanded={isMenuOpen}
        tabIndex={tabIndex}
        onClick={(event) => actions.toggleMenu(session, event.currentTarget)}
      >
        <Ellipsis aria-hidden />
      </IconButton>
      <IconButton
        className={`${styles.action} ${styles.trash}`}
        label={labels.deleteChat(title)}
        title={labels.deleteHint(labels.keyDelete)}
        tabIndex={tabIndex}
        onClick={() => actions.requestDelete(session)}
      >
        <Trash2 aria-hidden />
      </IconButton>
    </div>
  );
}
