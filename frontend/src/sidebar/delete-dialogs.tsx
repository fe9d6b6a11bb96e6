import { useLanguage } from "../labels/context";
import { titleOf } from "../sessions/titles";
import { ConfirmDialog } from "../ui/confirm-dialog";
import { useLatched } from "../ui/use-latched";
import { DeleteAllDialog, filterOf } from "./delete-all-dialog";
import type { BulkDeletion } from "./use-bulk-deletion";
import type { Deletion } from "./use-deletion";

interface DeleteDialogsProps {
  deletion: Deletion;
  bulk: BulkDeletion;
  chosen: ReadonlySet<string> | null;
  search: string;
  onClosed: () => void;
}

/** The three questions before something is deleted: one chat, the chosen ones, all of them. */
export function DeleteDialogs({ deletion, bulk, chosen, search, onClosed }: DeleteDialogsProps) {
  const { labels, format } = useLanguage();
  const doomed = useLatched(deletion.asked);
  const doomedIds = useLatched(bulk.asked === "chosen" && !bulk.busy ? chosen : null);
  const count = doomedIds?.size ?? 0;
  return (
    <>
      <ConfirmDialog
        open={deletion.asked !== null}
        title={doomed && labels.deleteQuestion(titleOf(doomed, labels))}
        description={labels.deleteDetail}
        action={labels.delete}
        busy={deletion.busy}
        onConfirm={() => deletion.asked && deletion.confirm(deletion.asked)}
        onCancel={deletion.cancel}
        onClosed={onClosed}
      />
      <ConfirmDialog
        open={bulk.asked === "chosen"}
        title={labels.deleteSeveralQuestion(count, format.number(count))}
        description={labels.deleteSeveralDetail}
        action={labels.delete}
        busy={bulk.busy}
        onConfirm={() => bulk.confirm({ ids: [...(doomedIds ?? [])] })}
        onCancel={bulk.cancel}
        onClosed={onClosed}
      />
      <DeleteAllDialog
        open={bulk.asked === "all"}
        search={search}
        busy={bulk.busy}
        onConfirm={() => bulk.confirm({ filter: filterOf(search) })}
        onCancel={bulk.cancel}
        onClosed={onClosed}
      />
    </>
  );
}
