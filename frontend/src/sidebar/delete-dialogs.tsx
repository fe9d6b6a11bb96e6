import { DeleteDialog } from "../actions/delete-dialog";
import type { Deletion } from "../actions/use-deletion";
import { useLanguage } from "../labels/context";
import { ConfirmDialog } from "../ui/confirm-dialog";
import { useLatched } from "../ui/use-latched";
import { ChosenTitles } from "./chosen-titles";
import { DeleteAllDialog } from "./delete-all-dialog";
import type { BulkDeletion } from "./use-bulk-deletion";
import type { Chosen } from "./use-choice";

interface DeleteDialogsProps {
  deletion: Deletion;
  bulk: BulkDeletion;
  chosen: Chosen | null;
  onClosed: () => void;
}

/** Asks before one chat, the chosen chats or all chats are deleted. */
export function DeleteDialogs({ deletion, bulk, chosen, onClosed }: DeleteDialogsProps) {
  const { labels, format } = useLanguage();
  const listed = useLatched(bulk.requested === "chosen" && !bulk.busy ? chosen : null);
  const count = listed?.size ?? 0;
  return (
    <>
      <DeleteDialog deletion={deletion} onClosed={onClosed} />
      <ConfirmDialog
        open={bulk.requested === "chosen"}
        title={labels.deleteSeveralQuestion(count, format.number(count))}
        description={labels.deleteSeveralDetail}
        details={listed && <ChosenTitles chosen={listed} />}
        action={labels.delete}
        busy={bulk.busy}
        onConfirm={() => bulk.confirm({ ids: [...(listed?.keys() ?? [])] })}
        onCancel={bulk.cancel}
        onClosed={onClosed}
      />
      <DeleteAllDialog
        open={bulk.requested === "all"}
        busy={bulk.busy}
        onConfirm={(filter) => bulk.confirm({ filter })}
        onCancel={bulk.cancel}
        onClosed={onClosed}
      />
    </>
  );
}
