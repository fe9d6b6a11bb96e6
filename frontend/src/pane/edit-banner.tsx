import { useLabels } from "../labels/context";
import { Button } from "../ui/button";
import styles from "./composer.module.css";

/** Shown above the field while the user edits a sent message. */
export function EditBanner({ onCancel }: { onCancel: () => void }) {
  const labels = useLabels();
  return (
    <div className={styles.banner}>
      <p className={styles.what}>
        <strong>{labels.editing}</strong> {labels.editingDetail}
      </p>
      <Button look="quiet" onClick={onCancel}>
        {labels.cancel}
      </Button>
    </div>
  );
}
