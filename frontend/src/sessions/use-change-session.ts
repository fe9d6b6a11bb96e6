import { useMutation } from "@tanstack/react-query";
import { changeSession } from "../api/change-session";
import { isSessionNotFound } from "../api/problem";
import type { SessionChange, Summary } from "../api/types";
import { useChatSessions } from "./context";
import { keys } from "./keys";
import { mergeSession } from "./refresh";
import { findSession, type SessionPages, withChange, withSession } from "./session-pages";

interface Change {
  session: Summary;
  change: SessionChange;
}

/** Renames and pins at once, and puts the row back as it was when the service refuses. */
export function useChangeSession() {
  const { api, client, deleted } = useChatSessions();
  const update = (put: (data: SessionPages) => SessionPages) =>
    client.setQueriesData<SessionPages>({ queryKey: keys.lists }, (data) => data && put(data));

  return useMutation({
    mutationFn: ({ session, change }: Change) => changeSession(api, session.id, change),
    onMutate: async ({ session, change }) => {
      await client.cancelQueries({ queryKey: keys.lists, predicate: (query) => query.state.data !== undefined });
      const before = findSession(client.getQueryData(keys.list("")), session.id) ?? session;
      const expected = { ...before, ...withoutNulls(change) };
      update((data) =>
        change.is_pinned === undefined ? withChange(data, session.id, expected) : withSession(data, expected),
      );
      return before;
    },
    onSuccess: (session) => {
      mergeSession(client, session);
      client.invalidateQueries({ queryKey: keys.session(session.id) });
    },
    onError: (error, { session }, before) => {
      if (isSessionNotFound(error)) {
        deleted.add([session.id]);
      } else {
        update((data) => (findSession(data, session.id) ? withSession(data, before ?? session) : data));
      }
    },
  });
}

function withoutNulls({ title, is_pinned }: SessionChange): Partial<Summary> {
  return { ...(typeof title === "string" && { title }), ...(typeof is_pinned === "boolean" && { is_pinned }) };
}
