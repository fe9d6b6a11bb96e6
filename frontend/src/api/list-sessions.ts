import type { Api } from "./client";
import type { SessionList } from "./types";

export const PAGE_SIZE = 50;

export interface ListedBy {
  q?: string;
  cursor?: string | null;
}

export function listSessions(api: Api, { q, cursor }: ListedBy, signal?: AbortSignal): Promise<SessionList> {
  return api.call("get", "/api/chat/sessions", { query: { limit: PAGE_SIZE, q: q || null, cursor }, signal });
}
