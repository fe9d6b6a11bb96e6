import { isSessionNotFound } from "../api/problem";
import { RenamedElsewhere, type Renaming } from "../api/rename-session";
import type { Summary } from "../api/types";
import { useAnnounce } from "../feedback/announcer";
import { useToasts } from "../feedback/toasts";
import { useLabels } from "../labels/context";
import { titleOf } from "../sessions/titles";
import { useChangeSession } from "../sessions/use-change-session";
import { sentence } from "../ui/sentence";

/** Renames and pins. Success is announced; a failure is told, with a Retry that a later success takes away. */
export function useChange() {
  const labels = useLabels();
  const announce = useAnnounce();
  const changing = useChangeSession();
  const { tell, tellFailure, dismiss } = useToasts();

  const rename = async (session: Summary, { title, from }: Renaming) => {
    const id = `rename ${session.id}`;
    dismiss(id);
    try {
      await changing.mutateAsync({ session, change: { title }, from });
      announce(labels.renamed(title));
    } catch (error) {
      if (isSessionNotFound(error)) {
        tell(`gone ${session.id}`, sentence(labels.alreadyDeleted, titleOf(session, labels)));
        return;
      }
      const other = error instanceof RenamedElsewhere ? error : null;
      tellFailure({
        id,
        chat: session.id,
        title: sentence(labels.renameFailed, titleOf(session, labels)),
        error: error as Error,
        ...(other && {
          reason: sentence(labels.renamedElsewhere, titleOf(other, labels)),
          action: labels.renameAnyway,
        }),
        retry: () => rename(session, { title, from: other ? other.title : from }),
      });
    }
  };

  const pin = async (session: Summary, is_pinned: boolean) => {
    const id = `pin ${session.id}`;
    const title = titleOf(session, labels);
    dismiss(id);
    try {
      await changing.mutateAsync({ session, change: { is_pinned } });
      announce(is_pinned ? labels.pinnedChat(title) : labels.unpinnedChat(title));
    } catch (error) {
      if (isSessionNotFound(error)) {
        tell(`gone ${session.id}`, sentence(labels.alreadyDeleted, title));
        return;
      }
      tellFailure({
        id,
        chat: session.id,
        title: sentence(is_pinned ? labels.pinFailed : labels.unpinFailed, title),
        error: error as Error,
        retry: () => pin(session, is_pinned),
      });
    }
  };
  return { rename, pin };
}
