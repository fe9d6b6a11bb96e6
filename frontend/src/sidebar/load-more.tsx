import { Button } from "../ui/button";
import { SkeletonRow } from "./list-states";
import styles from "./session-list.module.css";

/** The end of what is loaded: more is coming, or could not come. */
export function LoadMore({ error, onRetry }: { error: Error | null; onRetry: () => void }) {
  return error ? (
    <div className={styles.more}>
      <span>Couldn’t load more chats.</span>
      <Button look="quiet" onClick={onRetry}>
        Retry
      </Button>
    </div>
  ) : (
    <SkeletonRow />
  );
}
