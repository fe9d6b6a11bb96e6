import type { SessionChange, Summary } from "../api/types";
import { useToasts } from "../feedback/toasts";
import { titleOf } from "../sessions/titles";
import { useChangeSession } from "../sessions/use-change-session";

/** Renames and pins; a failure is said, with a Retry. */
export function useChange() {
  const changing = useChangeSession();
  const { tellFailure } = useToasts();

  const change = async (session: Summary, wanted: SessionChange, failed: string) => {
    try {
      await changing.mutateAsync({ session, change: wanted });
    } catch (error) {
      tellFailure({
        id: `change ${session.id}`,
        title: `“${titleOf(session)}” was not ${failed}.`,
        error: error as Error,
        retry: () => change(session, wanted, failed),
      });
    }
  };
  return {
    rename: (session: Summary, title: string) => change(session, { title }, "renamed"),
    pin: (session: Summary, is_pinned: boolean) => change(session, { is_pinned }, is_pinned ? "pinned" : "unpinned"),
  };
}
