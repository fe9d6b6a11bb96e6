import { useLabels } from "../labels/context";
import { Button } from "../ui/button";
import styles from "./conversation.module.css";

export interface Older {
  exist: boolean;
  isLoading: boolean;
  error: Error | null;
  load: () => void;
}

export function OlderMessages({ exist, isLoading, error, load }: Older) {
  const labels = useLabels();
  return (
    exist && (
      <div className={styles.older}>
        {error && <span>{labels.olderFailed}</span>}
        <Button look="quiet" busy={isLoading} onClick={load}>
          {error ? labels.retry : labels.loadOlder}
        </Button>
      </div>
    )
  );
}
