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

/** The way from the trash icon over the dialog to the answer of the service. */
export function useDeletion({ onGone }: DeletionOptions) {
  const [asked, setAsked] = useState<Summary | null>(null);
  const [underway, setUnderway] = useState<ReadonlySet<string>>(new Set());
  const labels = useLabels();
  const announce = useAnnounce();
  const { deleted } = useChatSessions();
  const { tell, tellFailure, dismiss } = useToasts();

  const deletion = useDeleteSession((session, result) => {
    onGone(session.id);
    if (result === "deleted") {
      announce(labels.deleted(titleOf(session, labels)));
    } else {
      tell(`gone ${session.id}`, sentence(labels.alreadyDeleted, titleOf(session, labels)));
    }
  });

  const busy = asked !== null && underway.has(asked.id);
  useDeletedElsewhere(busy ? null : asked, () => setAsked(null));

  const confirm = async (session: Summary) => {
    dismiss(`delete ${session.id}`);
    setUnderway((before) => new Set(before).add(session.id));
    try {
      await deletion.mutateAsync(session);
    } catch (error) {
      // Its answer was lost, but the feed has told of it.
      if (deleted.has(session.id)) {
        announce(labels.deleted(titleOf(session, labels)));
      } else {
        tellFailure({
          id: `delete ${session.id}`,
          chat: session.id,
          title: sentence(labels.deleteFailed, titleOf(session, labels)),
          error: error as Error,
          retry: () => confirm(session),
        });
      }
    }
    setUnderway((before) => new Set([...before].filter((id) => id !== session.id)));
    setAsked((current) => (current?.id === session.id ? null : current));
  };

  return {
    asked,
    /** Of the session asked about, and of no other. */
    busy,
    ask: setAsked,
    cancel: () => setAsked(null),
    confirm,
  };
}

export type Deletion = ReturnType<typeof useDeletion>;
