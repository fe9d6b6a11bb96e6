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

/** The three questions before something is deleted: one chat, the chosen ones, all of them. */
export function DeleteDialogs({ deletion, bulk, chosen, onClosed }: DeleteDialogsProps) {
  const { labels, format } = useLanguage();
  const doomedChats = useLatched(bulk.asked === "chosen" && !bulk.busy ? chosen : null);
  const count = doomedChats?.size ?? 0;
  return (
    <>
      <DeleteDialog deletion={deletion} onClosed={onClosed} />
      <ConfirmDialog
        open={bulk.asked === "chosen"}
        title={labels.deleteSeveralQuestion(count, format.number(count))}
        description={labels.deleteSeveralDetail}
        details={doomedChats && <ChosenTitles chosen={doomedChats} />}
        action={labels.delete}
        busy={bulk.busy}
        onConfirm={() => bulk.confirm({ ids: [...(doomedChats?.keys() ?? [])] })}
        onCancel={bulk.cancel}
        onClosed={onClosed}
      />
      <DeleteAllDialog
        open={bulk.asked === "all"}
        busy={bulk.busy}
        onConfirm={(filter) => bulk.confirm({ filter })}
        onCancel={bulk.cancel}
        onClosed={onClosed}
      />
    </>
  );
}
