import { isSessionNotFound } from "../api/problem";
import { RenamedElsewhere, type Renaming } from "../api/rename-session";
import type { SessionChange, Summary } from "../api/types";
import { useAnnounce } from "../feedback/announcer";
import { useToasts } from "../feedback/toasts";
import { useLabels } from "../labels/context";
import { titleOf } from "../sessions/titles";
import { useChangeSession } from "../sessions/use-change-session";
import { sentence } from "../ui/sentence";

/** Renames, pins and archives. Announces success, with Undo after archiving; a failure shows a toast with Retry. */
export function useChange() {
  const labels = useLabels();
  const announce = useAnnounce();
  const changing = useChangeSession();
  const { notify, notifyFailure, dismiss } = useToasts();

  const rename = async (session: Summary, { title, from }: Renaming) => {
    const id = `rename ${session.id}`;
    dismiss(id);
    try {
      await changing.mutateAsync({ session, change: { title }, from });
      announce(labels.renamed(title));
    } catch (error) {
      if (isSessionNotFound(error)) {
        notify(`gone ${session.id}`, sentence(labels.alreadyDeleted, titleOf(session, labels)));
        return;
      }
      const other = error instanceof RenamedElsewhere ? error : null;
      notifyFailure({
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

  /** Sets a flag of the chat. */
  const set = async (
    session: Summary,
    change: Pick<SessionChange, "is_pinned" | "is_archived">,
    done: (title: string) => void,
    failed: (title: string) => string,
  ) => {
    const id = `${Object.keys(change)} ${session.id}`;
    const title = titleOf(session, labels);
    dismiss(id);
    try {
      await changing.mutateAsync({ session, change });
      done(title);
    } catch (error) {
      if (isSessionNotFound(error)) {
        notify(`gone ${session.id}`, sentence(labels.alreadyDeleted, title));
        return;
      }
      notifyFailure({
        id,
        chat: session.id,
        title: sentence(failed, title),
        error: error as Error,
        retry: () => set(session, change, done, failed),
      });
    }
  };

  const pin = (session: Summary, is_pinned: boolean) =>
    set(
      session,
      { is_pinned },
      (title) => announce(is_pinned ? labels.pinnedChat(title) : labels.unpinnedChat(title)),
      is_pinned ? labels.pinFailed : labels.unpinFailed,
    );

  const archive = (session: Summary, is_archived: boolean): Promise<void> => {
    const undo = { label: labels.undo, run: () => archive({ ...session, is_archived }, !is_archived) };
    return set(
      session,
      { is_archived },
      (title) =>
        notify(
          `archived ${session.id}`,
          sentence(is_archived ? labels.archivedChat : labels.unarchivedChat, title),
          undo,
        ),
      is_archived ? labels.archiveFailed : labels.unarchiveFailed,
    );
  };
  return { rename, pin, archive };
}
