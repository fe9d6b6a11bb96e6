import { useMutation } from "@tanstack/react-query";
import { changeSession } from "../api/change-session";
import { isSessionNotFound } from "../api/problem";
import { RenamedElsewhere, renameSession } from "../api/rename-session";
import type { SessionChange, Summary } from "../api/types";
import { useChatSessions } from "./context";
import { mergeSession } from "./refresh";
import { findSession, type SessionPages, withChange, withSession } from "./session-pages";

interface Change {
  session: Summary;
  change: SessionChange;
  /** The title to be replaced: a rename that does not know of another one is refused. */
  from?: string | null;
}

/** Renames and pins at once, and takes that back when the service refuses. */
export function useChangeSession() {
  const chats = useChatSessions();
  const { api, client, deleted, keys, listeners } = chats;
  const update = (put: (data: SessionPages) => SessionPages) =>
    client.setQueriesData<SessionPages>({ queryKey: keys.lists }, (data) => data && put(data));

  return useMutation({
    mutationKey: keys.all,
    mutationFn: ({ session: { id }, change, from }: Change) =>
      typeof change.title === "string" && from !== undefined
        ? renameSession(api, id, { title: change.title, from })
        : changeSession(api, id, change),
    onMutate: async ({ session, change }) => {
      await client.cancelQueries({ queryKey: keys.lists, predicate: (query) => query.state.data !== undefined });
      const before = findSession(client.getQueryData(keys.list("")), session.id) ?? session;
      const expected = { ...before, ...withoutNulls(change) };
      update((data) =>
        change.is_pinned === undefined ? withChange(data, session.id, expected) : withSession(data, expected),
      );
      return before;
    },
    onSuccess: (session, { change }) => {
      mergeSession(chats, session);
      client.invalidateQueries({ queryKey: keys.session(session.id) });
      listeners.tell(change.is_pinned === undefined ? "onRenamed" : "onPinned", session);
    },
    onError: (error, { session, change }, before = session) => {
      if (isSessionNotFound(error)) {
        deleted.add([session.id]);
        return;
      }
      const title = error instanceof RenamedElsewhere ? error.title : before.title;
      update((data) => {
        const now = findSession(data, session.id);
        return now ? withSession(data, { ...now, ...undone(change, { ...before, title }) }) : data;
      });
    },
  });
}

/** The changed fields only: others may have been changed since, and successfully. */
function undone(change: SessionChange, { title, is_pinned }: Summary): Partial<Summary> {
  return { ...(change.title !== undefined && { title }), ...(change.is_pinned !== undefined && { is_pinned }) };
}

function withoutNulls({ title, is_pinned }: SessionChange): Partial<Summary> {
  return { ...(typeof title === "string" && { title }), ...(typeof is_pinned === "boolean" && { is_pinned }) };
}
