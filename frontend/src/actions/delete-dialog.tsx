import { useLabels } from "../labels/context";
import { titleOf } from "../sessions/titles";
import { ConfirmDialog } from "../ui/confirm-dialog";
import { sentence } from "../ui/sentence";
import { useLatched } from "../ui/use-latched";
import type { Deletion } from "./use-deletion";

/** Asks before a chat is deleted. */
export function DeleteDialog({ deletion, onClosed }: { deletion: Deletion; onClosed: () => void }) {
  const labels = useLabels();
  const session = useLatched(deletion.requested);
  return (
    <ConfirmDialog
      open={deletion.requested !== null}
      title={session && sentence(labels.deleteQuestion, titleOf(session, labels))}
      description={labels.deleteDetail}
      action={labels.delete}
      busy={deletion.busy}
      onConfirm={() => deletion.requested && deletion.confirm(deletion.requested)}
      onCancel={deletion.cancel}
      onClosed={onClosed}
    />
  );
}
