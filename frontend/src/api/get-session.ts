import type { Api } from "./client";
import type { Session } from "./types";

export interface MessagePage {
  limit?: number;
  beforeSequence?: number | null;
}

export function getSession(
  api: Api,
  id: string,
  { limit = 50, beforeSequence = null }: MessagePage = {},
  signal?: AbortSignal,
): Promise<Session> {
  const query = { limit, before_sequence: beforeSequence ?? undefined };
  return api.call("get", "/api/chat/sessions/{session_id}", { params: { session_id: id }, query, signal });
}
