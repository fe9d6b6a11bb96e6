import type { Api } from "../api/client";
import { listSessions } from "../api/list-sessions";
import { searchSessions } from "../api/search-sessions";
import type { Listing } from "./keys";
import type { SessionPage } from "./session-pages";

/** A page of a list, or of what a search has found. */
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
  const said = results.flatMap(({ session, message }) => (message ? [[session.id, message.snippet] as const] : []));
  return {
    sessions: results.map(({ session }) => session),
    // A search does not count what it has not come to.
    total: -1,
    next_cursor,
    snippets: Object.fromEntries(said),
  };
}
