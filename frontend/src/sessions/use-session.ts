import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { getSession } from "../api/get-session";
import { useChatSessions } from "./context";
import { useDeletedIds } from "./deleted-sessions";
import { messagesOf } from "./message-pages";

/** A session with its messages: the newest page first, older ones on demand. */
export function useSession(id: string) {
  const { api, keys } = useChatSessions();
  const isDeleted = useDeletedIds().has(id);
  const query = useInfiniteQuery({
    queryKey: keys.session(id),
    queryFn: ({ pageParam, signal }) => getSession(api, id, { beforeSequence: pageParam }, signal),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => (page.has_more_messages ? page.oldest_sequence : null),
    enabled: !isDeleted,
  });
  const messages = useMemo(() => (query.data ? messagesOf(query.data) : []), [query.data]);
  return { ...query, isDeleted, session: query.data?.pages[0], messages };
}
