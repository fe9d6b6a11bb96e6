import type { Api } from "./client";
import { type DeletionFilter, deleteSessions } from "./delete-sessions";

export interface Counted {
  count: number;
  /** Matches what was counted and nothing that is made or changed afterwards. */
  filter: DeletionFilter;
}

/** How many sessions there are. */
export async function countSessions(api: Api): Promise<Counted> {
  const query = { limit: 1, pinned_first: false, archived: "any" as const };
  const { sessions } = await api.call("get", "/api/chat/sessions", { query });
  // The clock of this device may be wrong; the service's is in the newest session.
  const newest = sessions[0] ? Date.parse(sessions[0].updated_at) : 0;
  const filter = { updated_before: new Date(newest + 1).toISOString() };
  return { count: (await deleteSessions(api, { filter }, { dryRun: true })).count, filter };
}
