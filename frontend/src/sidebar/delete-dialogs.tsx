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
  const doomed = useLatched(deletion.asked);
  const doomedIds = useLatched(bulk.asked === "chosen" && !bulk.busy ? chosen : null);
  return (
    <>
      <ConfirmDialog
        open={deletion.asked !== null}
        title={doomed && `Delete “${titleOf(doomed)}”?`}
        description="Its messages go with it, on all your devices. This can’t be undone."
        action="Delete"
        busyAction="Deleting…"
        busy={deletion.busy}
        onConfirm={() => deletion.asked && deletion.confirm(deletion.asked)}
        onCancel={deletion.cancel}
        onClosed={onClosed}
      />
      <ConfirmDialog
        open={bulk.asked === "chosen"}
        title={doomedIds?.size === 1 ? "Delete 1 chat?" : `Delete ${doomedIds?.size ?? 0} chats?`}
        description="Their messages go with them, on all your devices. This can’t be undone."
        action="Delete"
        busyAction="Deleting…"
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
