import type { Api } from "./client";
import type { Message, NewMessage } from "./types";

/** The id is the client's, so a repeat adds nothing. */
export async function appendMessage(
  api: Api,
  sessionId: string,
  message: NewMessage & { id: string },
): Promise<Message[]> {
  const params = { session_id: sessionId };
  const body = { messages: [message] };
  return (await api.call("post", "/api/chat/sessions/{session_id}/messages", { params, body })).messages;
}
