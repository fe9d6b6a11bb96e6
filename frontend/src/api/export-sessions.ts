import type { Api } from "./client";

/** Everything that the user has, one session a line. It has no time limit: an account may be large. */
export async function exportSessions(api: Api): Promise<Blob> {
  const response = await api.stream("/api/chat/export", {});
  return response.blob();
}
