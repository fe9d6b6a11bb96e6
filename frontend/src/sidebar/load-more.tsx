import { useLabels } from "../labels/context";
import { Button } from "../ui/button";
import { SkeletonRow } from "./list-states";
import styles from "./session-list.module.css";

/** The end of what is loaded: more is coming, or could not come. */
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
