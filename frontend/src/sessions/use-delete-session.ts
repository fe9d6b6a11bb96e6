import { useMutation } from "@tanstack/react-query";
import { deleteSession } from "../api/delete-session";
import { isSessionNotFound } from "../api/problem";
import type { Summary } from "../api/types";
import { useChatSessions } from "./context";
import { refreshLists } from "./refresh";

export type DeleteResult = "deleted" | "already deleted";

/** Removes the row only after the service has deleted the session. `onGone` runs before that, while the row exists. */
export function useDeleteSession(onGone: (session: Summary, result: DeleteResult) => void) {
  const chats = useChatSessions();
  const { api, client, deleted, keys, listeners, typed } = chats;
  return useMutation({
    mutationKey: keys.all,
    mutationFn: async (session: Summary): Promise<DeleteResult> => {
      try {
        await deleteSession(api, session.id);
        return "deleted";
      } catch (error) {
        if (isSessionNotFound(error)) {
          return "already deleted";
        }
        throw error;
      }
    },
    onMutate: ({ id }) => deleted.begin((other) => other === id),
    onSuccess: (result, session) => {
      onGone(session, result);
      deleted[result === "deleted" ? "addOwn" : "add"]([session.id]);
      typed.forget([session.id]);
      client.removeQueries({ queryKey: keys.session(session.id) });
      listeners.emit("onDeleted", [session.id]);
    },
    onSettled: (_result, _error, _session, end) => {
      end?.();
      refreshLists(chats).catch(() => undefined);
    },
  });
}
