import { useLabels } from "../labels/context";
import { Button } from "../ui/button";
import { SkeletonRow } from "./list-states";
import styles from "./session-list.module.css";

/** Shown after the loaded rows: a placeholder while more load, or an error with Retry. */
export function LoadMore({ error, onRetry }: { error: Error | null; onRetry: () => void }) {
  const labels = useLabels();
  return error ? (
    <div className={styles.more}>
      <span>{labels.moreFailed}</span>
      <Button look="quiet" onClick={onRetry}>
        {labels.retry}
      </Button>
    </div>
  ) : (
    <SkeletonRow />
  );
}
