import { useEffect, useRef } from "react";
import type { Summary } from "../api/types";
import { useToasts } from "../feedback/toasts";
import { useLabels } from "../labels/context";
import { useDeletedIds } from "../sessions/deleted-sessions";
import { titleOf } from "../sessions/titles";
import { sentence } from "../ui/sentence";

/** Ends what is being done with a chat when it is deleted elsewhere, and says why. */
export function useDeletedElsewhere(session: Summary | null, end: () => void): void {
  const labels = useLabels();
  const { tell } = useToasts();
  const latest = useRef(end);
  useEffect(() => {
    latest.current = end;
  });
  const isGone = useDeletedIds().has(session?.id ?? "");
  useEffect(() => {
    if (session && isGone) {
      latest.current();
      tell(`gone ${session.id}`, sentence(labels.deletedElsewhere, titleOf(session, labels)));
    }
  }, [session, isGone, tell, labels]);
}
