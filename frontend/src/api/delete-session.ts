import type { Api } from "./client";

export function deleteSession(api: Api, id: string): Promise<void> {
  return api.call("delete", "/api/chat/sessions/{session_id}", { params: { session_id: id } });
}
