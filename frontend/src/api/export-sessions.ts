import type { Api } from "./client";

/** Everything the user has, one session per line. There is no timeout, because an account may be large. */
export async function exportSessions(api: Api): Promise<Blob> {
  const response = await api.stream("/api/chat/export", {});
  return response.blob();
}
