import { Trash2 } from "lucide-react";
import { Button } from "../ui/button";
import styles from "./sidebar.module.css";

interface ChoiceBarProps {
  count: number;
  onDelete: () => void;
  onDone: () => void;
}

export function ChoiceBar({ count, onDelete, onDone }: ChoiceBarProps) {
  return (
    <fieldset className={styles.choice} aria-label="Chosen chats">
      <span className={styles.count} role="status">
        {count} selected
      </span>
      <Button look="quiet" onClick={onDone}>
        Done
      </Button>
      <Button look="danger" disabled={count === 0} onClick={onDelete}>
        <Trash2 aria-hidden /> Delete
      </Button>
    </fieldset>
  );
}
