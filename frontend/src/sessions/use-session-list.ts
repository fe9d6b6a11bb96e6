import { infiniteQueryOptions, useInfiniteQuery } from "@tanstack/react-query";
import { useLayoutEffect, useMemo, useRef } from "react";
import { useChatSessions } from "./context";
import { useDeletedIds } from "./deleted-sessions";
import { type Listing, listingOf } from "./keys";
import { readPage } from "./read-page";
import { sessionsOf } from "./session-pages";

export function useSessionList(listing: Listing) {
  const { api, client, keys } = useChatSessions();
  const deletedIds = useDeletedIds();
  const options = infiniteQueryOptions({
    queryKey: keys.list(listing),
    queryFn: ({ pageParam, signal }) => readPage(api, listing, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const first = useRef(options);
  // The query below requests its data only after the page without it has been painted.
  useLayoutEffect(() => void client.prefetchInfiniteQuery(first.current), [client]);
  const query = useInfiniteQuery({
    ...options,
    // Keep showing the results of the last search until new ones arrive, but never swap in the archive.
    placeholderData: (before, query) => (listingOf(query)?.archived === listing.archived ? before : undefined),
  });
  const sessions = useMemo(
    () => (query.data ? sessionsOf(query.data).filter((session) => !deletedIds.has(session.id)) : []),
    [query.data, deletedIds],
  );
  const snippets = useMemo(
    () => Object.assign({}, ...(query.data?.pages ?? []).map((page) => page.snippets)) as Record<string, string>,
    [query.data],
  );
  return { ...query, sessions, snippets, total: query.data?.pages[0]?.total };
}
