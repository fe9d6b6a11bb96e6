import type { Query } from "@tanstack/react-query";
import { listSessions } from "../api/list-sessions";
import type { Summary } from "../api/types";
import type { ChatSessions } from "./context";
import { listingOf } from "./keys";
import { placed, type SessionPages, withHead } from "./session-pages";

/** Reads only the first page again, however many are loaded: one request, often with a 304. */
export async function refreshLists(chats: ChatSessions): Promise<void> {
  const { api, client } = chats;
  const [shown, others] = listsOf(chats);
  for (const query of others) {
    query.invalidate();
  }
  await Promise.all(
    shown.map(async (query) => {
      const listing = listingOf(query);
      if (query.state.data === undefined || query.state.fetchStatus === "fetching" || listing?.q !== "") {
        await client.refetchQueries({ queryKey: query.queryKey });
        return;
      }
      const head = await listSessions(api, { archived: listing.archived });
      client.setQueryData<SessionPages>(query.queryKey, (data) => data && withHead(data, head));
    }),
  );
}

/** Puts a new or changed session into the lists. */
export function mergeSession(chats: ChatSessions, session: Summary): void {
  const { client } = chats;
  const [shown, others] = listsOf(chats);
  for (const query of [...shown, ...others]) {
    const listing = listingOf(query);
    if (listing?.q === "" && query.state.fetchStatus !== "fetching") {
      client.setQueryData<SessionPages>(query.queryKey, (data) => data && placed(data, listing, session));
    } else {
      // Only the service can tell what matches a search, and a pending response may be older than the session.
      client.invalidateQueries({ queryKey: query.queryKey, exact: true });
    }
  }
}

/** Reads everything that is shown again, since events may have been missed. */
export async function refetchAll(chats: ChatSessions): Promise<void> {
  const { client, keys } = chats;
  const isFirstLoad = (query: Query) => query.state.data === undefined;
  const wasLoading = client.isFetching({ queryKey: keys.all, predicate: isFirstLoad }) > 0;
  await invalidateAll(chats);
  if (wasLoading) {
    // The call above waited for the first load, whose response may be older than the missed event.
    await invalidateAll(chats);
  }
}

/** Reads again only what could not be read. */
export async function refetchFailed({ client, keys }: ChatSessions): Promise<void> {
  const predicate = ({ state }: Query) => state.status === "error";
  await client.refetchQueries({ queryKey: keys.all, type: "active", predicate });
}

async function invalidateAll({ client, keys }: ChatSessions): Promise<void> {
  await Promise.all([
    client.invalidateQueries({ queryKey: keys.lists }),
    client.invalidateQueries({ queryKey: keys.sessions }),
  ]);
}

function listsOf({ client, keys }: ChatSessions) {
  const queries = client.getQueryCache().findAll({ queryKey: keys.lists });
  return [queries.filter((query) => query.isActive()), queries.filter((query) => !query.isActive())] as const;
}
