import type { Api } from "./client";
import { ConversationChanged } from "./conversation-changed";
import { isPreconditionFailed } from "./problem";

export interface Cut {
  /** The first sequence to cut. */
  from: number;
  /** The id of the last message the user has seen. Nothing newer is cut. */
  lastSeen: string;
}

// A rename or a pin also changes the ETag, so try again.
const ATTEMPTS = 3;

/** Cuts the conversation unless it has changed, or an earlier attempt has already cut it or stored the `successor`. */
export async function cutMessages(api: Api, id: string, { from, lastSeen }: Cut, successor: string): Promise<void> {
  const params = { session_id: id };
  for (let attempt = 1; ; attempt++) {
    const { body, etag } = await api.callTagged("get", "/api/chat/sessions/{session_id}", {
      params,
      query: { limit: 1 },
    });
    const newest = body.messages.at(-1);
    if (newest === undefined || newest.sequence < from || newest.id === successor) {
      return;
    }
    if (newest.id !== lastSeen) {
      throw new ConversationChanged();
    }
    try {
      const query = { from_sequence: from };
      await api.call("delete", "/api/chat/sessions/{session_id}/messages", { params, query, ifMatch: etag });
      return;
    } catch (error) {
      if (!isPreconditionFailed(error) || attempt === ATTEMPTS) {
        throw error;
      }
    }
  }
}
