import { useMutation } from "@tanstack/react-query";
import { type Doomed, deleteSessions, MAX_BATCH } from "../api/delete-sessions";
import { useChatSessions } from "./context";
import { refreshLists } from "./refresh";

/** Deletes many in as few calls as the service allows. `onGone` runs after each call, while the rows are still there. */
export function useDeleteSessions(onGone: (ids: string[]) => void) {
  const chats = useChatSessions();
  const { api, deleted, keys, listeners, typed } = chats;
  return useMutation({
    mutationKey: keys.all,
    mutationFn: async (doomed: Doomed): Promise<number> => {
      let count = 0;
      for (const batch of batches(doomed)) {
        const answer = await deleteSessions(api, batch);
        const gone = [...answer.deleted, ...answer.not_found];
        onGone(gone);
        deleted.addOwn(answer.deleted);
        deleted.add(answer.not_found);
        typed.forget(gone);
        listeners.tell("onDeleted", gone);
        count += answer.count;
      }
      return count;
    },
    onMutate: (doomed) => {
      const ids = "ids" in doomed ? new Set(doomed.ids) : null;
      return deleted.begin((id) => ids?.has(id) ?? true);
    },
    onSettled: (_count, _error, _doomed, end) => {
      end?.();
      refreshLists(chats).catch(() => undefined);
    },
  });
}

function batches(doomed: Doomed): Doomed[] {
  if (!("ids" in doomed)) {
    return [doomed];
  }
  const starts = Array.from({ length: Math.ceil(doomed.ids.length / MAX_BATCH) }, (_, index) => index * MAX_BATCH);
  return starts.map((start) => ({ ids: doomed.ids.slice(start, start + MAX_BATCH) }));
}
