import type { UIMessage } from "ai";
import { bodyOf, connect, type Message, type NewMessage } from "../shared/client.js";
import { ChatSessionsError, type Connection } from "../shared/connection.js";
import { Conversation } from "../shared/conversation.js";
import { fieldsOf, isSame, textOf } from "../shared/fields.js";

export { ChatSessionsError, type Connection };

export interface ChatStore<M extends UIMessage = UIMessage> {
  /** Returns the id. Does nothing if the chat exists, and fails with 409 if a chat with this id was deleted. */
  createChat(options?: { id?: string; title?: string }): Promise<string>;
  loadChat(id: string): Promise<M[]>;
  /**
   * Stores all messages of a chat: replaces those that have changed since `loadChat`, cuts off those that are missing, and
   * appends the new ones. Messages that others have appended meanwhile stay, before the new ones.
   */
  saveChat(chat: { chatId: string; messages: M[] }): Promise<void>;
}

/** The chats of one user. Create one per request. */
export function createChatStore<M extends UIMessage = UIMessage>(connection: Connection): ChatStore<M> {
  const client = connect(connection);
  const conversations = new Map<string, Conversation>();

  function conversationOf(id: string): Conversation {
    const conversation = conversations.get(id) ?? new Conversation(client, id);
    conversations.set(id, conversation);
    return conversation;
  }

  return {
    async createChat(options = {}) {
      return bodyOf(await client.POST("/api/chat/sessions", { body: options })).id;
    },

    async loadChat(id) {
      return (await conversationOf(id).load()).map((message) => uiMessageOf(message) as M);
    },

    async saveChat({ chatId, messages }) {
      const conversation = conversationOf(chatId);
      const known = await conversation.known();
      if (known[0] && known[0].id !== messages[0]?.id) {
        throw new TypeError(
          "saveChat needs all messages of the chat. Pass them to toUIMessageStream as `originalMessages`.",
        );
      }
      const stored = new Map(known.map((message) => [message.id, message]));
      await conversation.save(messages.map((message) => newMessageOf(message, stored.get(message.id))));
    },
  };
}

/** Appends `message` to a loaded chat, or replaces its earlier version and everything after that. */
export function continued<M extends UIMessage>(messages: M[], message: M): M[] {
  const index = messages.findIndex(({ id }) => id === message.id);
  return [...(index < 0 ? messages : messages.slice(0, index)), message];
}

/** Messages from other clients may have text instead of parts. */
function uiMessageOf(stored: Message): UIMessage {
  const { id, role, metadata, parts } = fieldsOf(stored);
  return {
    id,
    role,
    parts: parts ?? [{ type: "text", text: textOf(stored) }],
    ...(metadata && { metadata }),
  } as UIMessage;
}

/** Keeps the stored fields of an unchanged message: other clients may store fields that a UIMessage does not have. */
function newMessageOf(message: UIMessage, stored: Message | undefined): NewMessage {
  return stored && isSame(uiMessageOf(stored), message) ? fieldsOf(stored) : JSON.parse(JSON.stringify(message));
}
