import type { Api } from "./client";
import type { SessionChange, Summary } from "./types";

export function changeSession(api: Api, id: string, change: SessionChange): Promise<Summary> {
  return api.call("patch", "/api/chat/sessions/{session_id}", { params: { session_id: id }, body: change });
}
