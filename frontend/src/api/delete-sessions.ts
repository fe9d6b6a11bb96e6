import type { Api } from "./client";

export const MAX_BATCH = 100;

export interface DeletionFilter {
  updated_before: string;
}

/** Chosen ones, or all that a filter matches. */
export type Doomed = { ids: string[] } | { filter: DeletionFilter };

export interface Deletion {
  deleted: string[];
  not_found: string[];
  count: number;
}

export function deleteSessions(api: Api, doomed: Doomed, { dryRun = false } = {}): Promise<Deletion> {
  return api.call("post", "/api/chat/sessions/batch-delete", { body: { ...doomed, dry_run: dryRun } });
}
