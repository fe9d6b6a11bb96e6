import { useEffect, useRef } from "react";
import type { Summary } from "../api/types";
import { useToasts } from "../feedback/toasts";
import { useLabels } from "../labels/context";
import { useDeletedIds } from "../sessions/deleted-sessions";
import { titleOf } from "../sessions/titles";
import { sentence } from "../ui/sentence";

/** When a chat is deleted elsewhere, ends what the user is doing with it and says why. */
export function useDeletedElsewhere(session: Summary | null, end: () => void): void {
  const labels = useLabels();
  const { notify } = useToasts();
  const latest = useRef(end);
  useEffect(() => {
    latest.current = end;
  });
  const isGone = useDeletedIds().has(session?.id ?? "");
  useEffect(() => {
    if (session && isGone) {
      latest.current();
      notify(`gone ${session.id}`, sentence(labels.deletedElsewhere, titleOf(session, labels)));
    }
  }, [session, isGone, notify, labels]);
}
