import {
  fromThreadMessageLike,
  type MessageFormatAdapter,
  type MessageFormatItem,
  type ThreadMessage,
  type ThreadMessageLike,
} from "@assistant-ui/react";
import type { Message, NewMessage } from "../shared/client.js";
import { fieldsOf, textOf } from "../shared/fields.js";

/** Converts messages between the formats of a runtime and of the service. */
export interface Codec<T> {
  encode(item: MessageFormatItem<T>): NewMessage;
  decode(stored: Message, parentId: string | null): MessageFormatItem<T>;
}

/** The messages of LocalRuntime. */
export const threadMessages: Codec<ThreadMessage> = {
  encode: ({ message }) => ({
    ...jsonOf(message),
    ...(message.attachments && { attachments: message.attachments.map(({ file: _, ...attachment }) => attachment) }),
  }),
  decode: (stored, parentId) => ({ parentId, message: threadMessageOf(stored) }),
};

/** The codec for a message format of assistant-ui, such as that of the AI SDK. */
export function formatted<T, S extends Record<string, unknown>>(format: MessageFormatAdapter<T, S>): Codec<T> {
  return {
    encode: (item) => ({ ...jsonOf(format.encode(item)), id: format.getId(item.message) }),
    decode: (stored, parentId) => {
      const { id, ...content } = fieldsOf(stored);
      const parts = content.parts ?? [{ type: "text", text: textOf(stored) }];
      return format.decode({
        id,
        parent_id: parentId,
        format: format.format,
        content: { ...content, parts } as unknown as S,
      });
    },
  };
}

const COMPLETE = { type: "complete", reason: "unknown" } as const;

/** Falls back to the text of messages from other clients whose parts assistant-ui does not support. */
function threadMessageOf(stored: Message): ThreadMessage {
  const { id, ...fields } = fieldsOf(stored);
  const createdAt = new Date(typeof stored.createdAt === "string" ? stored.createdAt : stored.created_at);
  const text = { role: stored.role, content: textOf(stored), createdAt } as ThreadMessageLike;
  try {
    return fromThreadMessageLike({ ...text, ...fields, createdAt } as ThreadMessageLike, id, COMPLETE);
  } catch {
    return fromThreadMessageLike(text, id, COMPLETE);
  }
}

function jsonOf(value: object): NewMessage {
  return JSON.parse(JSON.stringify(value));
}
