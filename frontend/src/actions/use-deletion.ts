import { useState } from "react";
import type { Summary } from "../api/types";
import { useAnnounce } from "../feedback/announcer";
import { useToasts } from "../feedback/toasts";
import { useLabels } from "../labels/context";
import { useChatSessions } from "../sessions/context";
import { titleOf } from "../sessions/titles";
import { useDeleteSession } from "../sessions/use-delete-session";
import { sentence } from "../ui/sentence";
import { useDeletedElsewhere } from "./use-deleted-elsewhere";

interface DeletionOptions {
  /** Runs while the row is still in the list. */
  onGone: (id: string) => void;
}

/** Deletes a chat: confirmation, request, and feedback. */
export function useDeletion({ onGone }: DeletionOptions) {
  const [requested, setRequested] = useState<Summary | null>(null);
  const [pending, setPending] = useState<ReadonlySet<string>>(new Set());
  const labels = useLabels();
  const announce = useAnnounce();
  const { deleted } = useChatSessions();
  const { notify, notifyFailure, dismiss } = useToasts();

  const deletion = useDeleteSession((session, result) => {
    onGone(session.id);
    if (result === "deleted") {
      announce(labels.deleted(titleOf(session, labels)));
    } else {
      notify(`gone ${session.id}`, sentence(labels.alreadyDeleted, titleOf(session, labels)));
    }
  });

  const busy = requested !== null && pending.has(requested.id);
  useDeletedElsewhere(busy ? null : requested, () => setRequested(null));

  const confirm = async (session: Summary) => {
    dismiss(`delete ${session.id}`);
    setPending((before) => new Set(before).add(session.id));
    try {
      await deletion.mutateAsync(session);
    } catch (error) {
      // The response was lost, but the feed has reported the deletion.
      if (deleted.has(session.id)) {
        announce(labels.deleted(titleOf(session, labels)));
      } else {
        notifyFailure({
          id: `delete ${session.id}`,
          chat: session.id,
          title: sentence(labels.deleteFailed, titleOf(session, labels)),
          error: error as Error,
          retry: () => confirm(session),
        });
      }
    }
    setPending((before) => new Set([...before].filter((id) => id !== session.id)));
    setRequested((current) => (current?.id === session.id ? null : current));
  };

  return {
    /** The chat that the dialog asks about. */
    requested,
    /** Whether `requested` is being deleted. */
    busy,
    request: setRequested,
    cancel: () => setRequested(null),
    confirm,
  };
}

export type Deletion = ReturnType<typeof useDeletion>;
