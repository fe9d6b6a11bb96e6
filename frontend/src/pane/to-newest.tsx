import { ArrowDown } from "lucide-react";
import { useLanguage } from "../labels/context";
import styles from "./to-newest.module.css";

/** Shown above the composer while the end of the conversation is out of view. */
export function ToNewest({ unseen, onClick }: { unseen: number; onClick: () => void }) {
  const { labels, format } = useLanguage();
  return (
    <div className={styles.anchor}>
      <button
        type="button"
        className={styles.pill}
        data-new={unseen > 0 || undefined}
        aria-label={unseen === 0 ? labels.toNewest : undefined}
        onClick={onClick}
      >
        {unseen > 0 && labels.newMessages(unseen, format.number(unseen))}
        <ArrowDown aria-hidden />
      </button>
    </div>
  );
}
