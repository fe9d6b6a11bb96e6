import { useLabels } from "../labels/context";
import { titleOf } from "../sessions/titles";
import { ConfirmDialog } from "../ui/confirm-dialog";
import { sentence } from "../ui/sentence";
import { useLatched } from "../ui/use-latched";
import type { Deletion } from "./use-deletion";

/** The question before one chat is deleted. */
export function DeleteDialog({ deletion, onClosed }: { deletion: Deletion; onClosed: () => void }) {
  const labels = useLabels();
  const doomed = useLatched(deletion.asked);
  return (
    <ConfirmDialog
      open={deletion.asked !== null}
      title={doomed && sentence(labels.deleteQuestion, titleOf(doomed, labels))}
      description={labels.deleteDetail}
      action={labels.delete}
      busy={deletion.busy}
      onConfirm={() => deletion.asked && deletion.confirm(deletion.asked)}
      onCancel={deletion.cancel}
      onClosed={onClosed}
    />
  );
}
