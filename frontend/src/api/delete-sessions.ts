import type { Api } from "./client";

export const MAX_BATCH = 100;

export interface DeletionFilter {
  updated_before: string;
}

/** What to delete: some sessions by id, or all that match a filter. */
export type DeletionTarget = { ids: string[] } | { filter: DeletionFilter };

export interface Deletion {
  deleted: string[];
  not_found: string[];
  count: number;
}

export function deleteSessions(api: Api, target: DeletionTarget, { dryRun = false } = {}): Promise<Deletion> {
  return api.call("post", "/api/chat/sessions/batch-delete", { body: { ...target, dry_run: dryRun } });
}
