import { useEffect, useState } from "react";
import type { DeletionTarget } from "../api/delete-sessions";
import { useAnnounce } from "../feedback/announcer";
import { useToasts } from "../feedback/toasts";
import { useLanguage } from "../labels/context";
import { useDeleteSessions } from "../sessions/use-delete-sessions";

interface BulkDeletionOptions {
  /** 0 closes the dialog: all of them were deleted elsewhere. */
  chosenCount: number;
  /** Runs while the rows are still in the list. */
  onGone: (ids: string[]) => void;
  onDone: () => void;
}

/** Deletes the chosen chats, or all of them: confirmation, request, and feedback. */
export function useBulkDeletion({ chosenCount, onGone, onDone }: BulkDeletionOptions) {
  const [requested, setRequested] = useState<"chosen" | "all" | null>(null);
  const [busy, setBusy] = useState(false);
  const { labels, format } = useLanguage();
  const announce = useAnnounce();
  const { notifyFailure, dismiss } = useToasts();
  const deletion = useDeleteSessions(onGone);

  const isNothingLeft = requested === "chosen" && !busy && chosenCount === 0;
  useEffect(() => {
    if (isNothingLeft) {
      setRequested(null);
    }
  }, [isNothingLeft]);

  const confirm = async (target: DeletionTarget) => {
    dismiss("delete several");
    setBusy(true);
    try {
      const count = await deletion.mutateAsync(target);
      announce(labels.deletedSeveral(count, format.number(count)));
      onDone();
    } catch (error) {
      notifyFailure({
        id: "delete several",
        title: labels.deleteSeveralFailed,
        error: error as Error,
        retry: () => confirm(target),
      });
    }
    setBusy(false);
    setRequested(null);
  };

  return { requested, busy, request: setRequested, cancel: () => setRequested(null), confirm };
}

export type BulkDeletion = ReturnType<typeof useBulkDeletion>;
