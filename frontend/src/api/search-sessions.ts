import type { Api } from "./client";
import type { SearchResults } from "./types";

/** Sessions whose title or messages contain the text, archived ones included. */
export function searchSessions(
  api: Api,
  { q, cursor }: { q: string; cursor: string | null },
  signal?: AbortSignal,
): Promise<SearchResults> {
  return api.call("get", "/api/chat/sessions/search", { query: { q, cursor: cursor ?? undefined }, signal });
}
