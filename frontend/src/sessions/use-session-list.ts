import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { listSessions } from "../api/list-sessions";
import { useChatSessions } from "./context";
import { useDeletedIds } from "./deleted-sessions";
import { sessionsOf } from "./session-pages";

export function useSessionList(q: string) {
  const { api, keys } = useChatSessions();
  const deletedIds = useDeletedIds();
  const query = useInfiniteQuery({
    queryKey: keys.list(q),
    queryFn: ({ pageParam, signal }) => listSessions(api, { q, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  });
  const sessions = useMemo(
    () => (query.data ? sessionsOf(query.data).filter((session) => !deletedIds.has(session.id)) : []),
    [query.data, deletedIds],
  );
  return { ...query, sessions, total: query.data?.pages[0]?.total };
}
