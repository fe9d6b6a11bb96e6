import { useLanguage } from "../labels/context";
import { Button } from "../ui/button";
import styles from "./sidebar.module.css";

interface ChoiceBarProps {
  count: number;
  hiddenCount: number;
  isChoosingAll: boolean;
  onDelete: () => void;
  onDone: () => void;
}

export function ChoiceBar({ count, hiddenCount, isChoosingAll, onDelete, onDone }: ChoiceBarProps) {
  const { labels, format } = useLanguage();
  return (
    <fieldset className={styles.choice} aria-label={labels.selection}>
      <span className={styles.count} role="status">
        {isChoosingAll ? labels.selectingAll : labels.selected(count, format.number(count))}
        {hiddenCount > 0 && (
          <span className={styles.hidden}>{labels.notShown(hiddenCount, format.number(hiddenCount))}</span>
        )}
      </span>
      <Button look="quiet" onClick={onDone}>
        {labels.done}
      </Button>
      <Button look="danger" disabled={count === 0 || isChoosingAll} onClick={onDelete}>
        {labels.delete}
      </Button>
    </fieldset>
  );
}
