import { useState } from "react";
import type { Doomed } from "../api/delete-sessions";
import { useAnnounce } from "../feedback/announcer";
import { useToasts } from "../feedback/toasts";
import { useDeleteSessions } from "../sessions/use-delete-sessions";

interface BulkDeletionOptions {
  /** Runs while the rows are still in the list. */
  onGone: (ids: string[]) => void;
  onDone: () => void;
}

/** The way of several sessions, or all of them, from their dialog to the answer of the service. */
export function useBulkDeletion({ onGone, onDone }: BulkDeletionOptions) {
  const [asked, setAsked] = useState<"chosen" | "all" | null>(null);
  const [busy, setBusy] = useState(false);
  const announce = useAnnounce();
  const { tellFailure } = useToasts();
  const deletion = useDeleteSessions(onGone);

  const confirm = async (doomed: Doomed) => {
    setBusy(true);
    try {
      const count = await deletion.mutateAsync(doomed);
      announce(count === 1 ? "Deleted 1 chat." : `Deleted ${count} chats.`);
      onDone();
    } catch (error) {
      tellFailure({
        id: "delete several",
        title: "The chats were not deleted.",
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
