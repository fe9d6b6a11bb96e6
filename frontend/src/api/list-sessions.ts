import type { Api } from "./client";
import type { SessionList } from "./types";

// A small first page shows sooner; larger ones after it save requests.
const FIRST_PAGE = 50;
const FURTHER_PAGE = 100;

export interface ListedBy {
  archived?: boolean;
  cursor?: string | null;
}

export function listSessions(api: Api, { archived, cursor }: ListedBy, signal?: AbortSignal): Promise<SessionList> {
  return api.call("get", "/api/chat/sessions", {
    query: {
      limit: cursor ? FURTHER_PAGE : FIRST_PAGE,
      archived: archived ? "true" : undefined,
      cursor: cursor ?? undefined,
    },
    signal,
  });
}
