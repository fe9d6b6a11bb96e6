import type { Api } from "../api/client";
import { listSessions } from "../api/list-sessions";
import { searchSessions } from "../api/search-sessions";
import type { Listing } from "./keys";
import type { SessionPage } from "./session-pages";

/** Reads a page of a list, or of search results. */
export async function readPage(
  api: Api,
  listing: Listing,
  cursor: string | null,
  signal?: AbortSignal,
): Promise<SessionPage> {
  if (listing.q === "") {
    return listSessions(api, { archived: listing.archived, cursor }, signal);
  }
  const { results, next_cursor } = await searchSessions(api, { q: listing.q, cursor }, signal);
  const snippets = results.flatMap(({ session, message }) => (message ? [[session.id, message.snippet] as const] : []));
  return {
    sessions: results.map(({ session }) => session),
    // A search does not count its results.
    total: -1,
    next_cursor,
    snippets: Object.fromEntries(snippets),
  };
}
