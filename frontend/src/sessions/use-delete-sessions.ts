import { useMutation } from "@tanstack/react-query";
import { type DeletionTarget, deleteSessions, MAX_BATCH } from "../api/delete-sessions";
import { useChatSessions } from "./context";
import { refreshLists } from "./refresh";

/** Deletes many sessions in batches. `onGone` runs after each batch, while the rows are still in the list. */
export function useDeleteSessions(onGone: (ids: string[]) => void) {
  const chats = useChatSessions();
  const { api, deleted, keys, listeners, typed } = chats;
  return useMutation({
    mutationKey: keys.all,
    mutationFn: async (target: DeletionTarget): Promise<number> => {
      let count = 0;
      for (const batch of batchesOf(target)) {
        const result = await deleteSessions(api, batch);
        const gone = [...result.deleted, ...result.not_found];
        onGone(gone);
        deleted.addOwn(result.deleted);
        deleted.add(result.not_found);
        typed.forget(gone);
        listeners.emit("onDeleted", gone);
        count += result.count;
      }
      return count;
    },
    onMutate: (target) => {
      const ids = "ids" in target ? new Set(target.ids) : null;
      return deleted.begin((id) => ids?.has(id) ?? true);
    },
    onSettled: (_count, _error, _target, end) => {
      end?.();
      refreshLists(chats).catch(() => undefined);
    },
  });
}

function batchesOf(target: DeletionTarget): DeletionTarget[] {
  if (!("ids" in target)) {
    return [target];
  }
  const starts = Array.from({ length: Math.ceil(target.ids.length / MAX_BATCH) }, (_, index) => index * MAX_BATCH);
  return starts.map((start) => ({ ids: target.ids.slice(start, start + MAX_BATCH) }));
}
