import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { listSessions } from "../api/list-sessions";
import { useChatSessions } from "./context";
import { useDeletedIds } from "./deleted-sessions";
import { type Listing, listingOf } from "./keys";
import { sessionsOf } from "./session-pages";

export function useSessionList(listing: Listing) {
  const { api, keys } = useChatSessions();
  const deletedIds = useDeletedIds();
  const query = useInfiniteQuery({
    queryKey: keys.list(listing),
    queryFn: ({ pageParam, signal }) => listSessions(api, { ...listing, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    // What a search has found stays until the next one has; archived chats are no others' placeholders.
    placeholderData: (before, query) => (listingOf(query)?.archived === listing.archived ? before : undefined),
  });
  const sessions = useMemo(
    () => (query.data ? sessionsOf(query.data).filter((session) => !deletedIds.has(session.id)) : []),
    [query.data, deletedIds],
  );
  return { ...query, sessions, total: query.data?.pages[0]?.total };
}
