import { useEffect, useState } from "react";
import type { Doomed } from "../api/delete-sessions";
import { useAnnounce } from "../feedback/announcer";
import { useToasts } from "../feedback/toasts";
import { useLanguage } from "../labels/context";
import { useDeleteSessions } from "../sessions/use-delete-sessions";

interface BulkDeletionOptions {
  /** None, if all of them were deleted elsewhere while the dialog was open. */
  chosenCount: number;
  /** Runs while the rows are still in the list. */
  onGone: (ids: string[]) => void;
  onDone: () => void;
}

/** The way of several sessions, or all of them, from their dialog to the answer of the service. */
export function useBulkDeletion({ chosenCount, onGone, onDone }: BulkDeletionOptions) {
  const [asked, setAsked] = useState<"chosen" | "all" | null>(null);
  const [busy, setBusy] = useState(false);
  const { labels, format } = useLanguage();
  const announce = useAnnounce();
  const { tellFailure, dismiss } = useToasts();
  const deletion = useDeleteSessions(onGone);

  const isNothingLeft = asked === "chosen" && !busy && chosenCount === 0;
  useEffect(() => {
    if (isNothingLeft) {
      setAsked(null);
    }
  }, [isNothingLeft]);

  const confirm = async (doomed: Doomed) => {
    dismiss("delete several");
    setBusy(true);
    try {
      const count = await deletion.mutateAsync(doomed);
      announce(labels.deletedSeveral(count, format.number(count)));
      onDone();
    } catch (error) {
      tellFailure({
        id: "delete several",
        title: labels.deleteSeveralFailed,
        error: error as Error,
        retry: () => confirm(doomed),
      });
    }
    setBusy(false);
    setAsked(null);
  };

  return { asked, busy, ask: setAsked, cancel: () => setAsked(null), confirm };
}

export type BulkDeletion = ReturnType<typeof useBulkDeletion>;
