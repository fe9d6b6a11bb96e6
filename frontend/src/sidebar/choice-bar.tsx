import { Trash2 } from "lucide-react";
import { useLanguage } from "../labels/context";
import { Button } from "../ui/button";
import styles from "./sidebar.module.css";

interface ChoiceBarProps {
  count: number;
  onDelete: () => void;
  onDone: () => void;
}

export function ChoiceBar({ count, onDelete, onDone }: ChoiceBarProps) {
  const { labels, format } = useLanguage();
  return (
    <fieldset className={styles.choice} aria-label={labels.selection}>
      <span className={styles.count} role="status">
        {labels.selected(count, format.number(count))}
      </span>
      <Button look="quiet" onClick={onDone}>
        {labels.done}
      </Button>
      <Button look="danger" disabled={count === 0} onClick={onDelete}>
        <Trash2 aria-hidden /> {labels.delete}
      </Button>
    </fieldset>
  );
}
