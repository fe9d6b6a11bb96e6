import type { SessionChange, Summary } from "../api/types";
import { useToasts } from "../feedback/toasts";
import { useLabels } from "../labels/context";
import { titleOf } from "../sessions/titles";
import { useChangeSession } from "../sessions/use-change-session";

/** Renames and pins; a failure is said, with a Retry. */
export function useChange() {
  const labels = useLabels();
  const changing = useChangeSession();
  const { tellFailure } = useToasts();

  const change = async (session: Summary, wanted: SessionChange, failed: (title: string) => string) => {
    try {
      await changing.mutateAsync({ session, change: wanted });
    } catch (error) {
      tellFailure({
        id: `change ${session.id}`,
        title: failed(titleOf(session, labels)),
        error: error as Error,
        retry: () => change(session, wanted, failed),
      });
    }
  };
  return {
    rename: (session: Summary, title: string) => change(session, { title }, labels.renameFailed),
    pin: (session: Summary, is_pinned: boolean) =>
      change(session, { is_pinned }, is_pinned ? labels.pinFailed : labels.unpinFailed),
  };
}
