import type { Api } from "./client";
import { ConversationChanged } from "./conversation-changed";
import { isPreconditionFailed } from "./problem";
import type { Message, NewMessage } from "./types";

interface AppendOptions {
  /** Append only if this is still the last sequence. */
  afterSequence?: number | undefined;
}

/** Safe to repeat: the client mints the id. */
export async function appendMessage(
  api: Api,
  sessionId: string,
  message: NewMessage & { id: string },
  { afterSequence }: AppendOptions = {},
): Promise<Message[]> {
  const params = { session_id: sessionId };
  const body = { messages: [message], ...(afterSequence !== undefined && { after_sequence: afterSequence }) };
  try {
    return (await api.call("post", "/api/chat/sessions/{session_id}/messages", { params, body })).messages;
  } catch (error) {
    throw isPreconditionFailed(error) ? new ConversationChanged() : error;
  }
}
