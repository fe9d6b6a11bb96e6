import type { Api } from "./client";

export const MAX_BATCH = 100;

/** Chosen ones, or all that a filter matches; the empty filter matches every session of the user. */
export type Doomed = { ids: string[] } | { filter: { q?: string } };

export interface Deletion {
  deleted: string[];
  not_found: string[];
  count: number;
}

export function deleteSessions(api: Api, doomed: Doomed, { dryRun = false } = {}): Promise<Deletion> {
  return api.call("post", "/api/chat/sessions/batch-delete", { body: { ...doomed, dry_run: dryRun } });
}
