import type { Query, QueryClient } from "@tanstack/react-query";
import type { Api } from "../api/client";
import { listSessions } from "../api/list-sessions";
import type { Summary } from "../api/types";
import { keys } from "./keys";
import { type SessionPages, withHead, withSession } from "./session-pages";

/** Ask for the first page again, whatever the number of loaded pages: one request, often answered by a 304. */
export async function refreshLists(client: QueryClient, api: Api): Promise<void> {
  const [shown, others] = listsOf(client);
  for (const query of others) {
    query.invalidate();
  }
  await Promise.all(
    shown.map(async (query) => {
      if (query.state.data === undefined || query.state.fetchStatus === "fetching") {
        await client.refetchQueries({ queryKey: query.queryKey });
        return;
      }
      const head = await listSessions(api, { q: String(query.queryKey[1]) });
      client.setQueryData<SessionPages>(query.queryKey, (data) => data && withHead(data, head));
    }),
  );
}

/** Put a session that was made or changed into the lists. */
export function mergeSession(client: QueryClient, session: Summary): void {
  const [shown, others] = listsOf(client);
  for (const query of [...shown, ...others]) {
    const isWholeList = query.queryKey[1] === "";
    if (isWholeList && query.state.fetchStatus !== "fetching") {
      client.setQueryData<SessionPages>(query.queryKey, (data) => data && withSession(data, session));
    } else {
      // Only the service knows what matches a search, and what is on its way may be older than the session.
      client.invalidateQueries({ queryKey: query.queryKey, exact: true });
    }
  }
}

/** Events may have been missed: read again everything that is shown. */
export async function refetchAll(client: QueryClient): Promise<void> {
  const isFirstLoad = (query: Query) => query.state.data === undefined;
  const wasLoading = client.isFetching({ predicate: isFirstLoad }) > 0;
  await invalidateAll(client);
  if (wasLoading) {
    // A first load is not started over but waited for, and may have been answered before the missed event.
    await invalidateAll(client);
  }
}

async function invalidateAll(client: QueryClient): Promise<void> {
  await Promise.all([
    client.invalidateQueries({ queryKey: keys.lists }),
    client.invalidateQueries({ queryKey: keys.sessions }),
  ]);
}

function listsOf(client: QueryClient) {
  const queries = client.getQueryCache().findAll({ queryKey: keys.lists });
  return [queries.filter((query) => query.isActive()), queries.filter((query) => !query.isActive())] as const;
}
