import type { Api } from "./client";
import { type DeletionFilter, deleteSessions } from "./delete-sessions";

export interface Counted {
  count: number;
  /** Matches the counted sessions, but none that are created or continued afterwards. */
  filter: DeletionFilter;
}

/** Counts all sessions, archived ones included. */
export async function countSessions(api: Api): Promise<Counted> {
  const query = { limit: 1, pinned_first: false, archived: "any" as const };
  const { sessions } = await api.call("get", "/api/chat/sessions", { query });
  // This device's clock may be wrong, so the time limit comes from the newest session.
  const newest = sessions[0] ? Date.parse(sessions[0].updated_at) : 0;
  const filter = { updated_before: new Date(newest + 1).toISOString() };
  return { count: (await deleteSessions(api, { filter }, { dryRun: true })).count, filter };
}
