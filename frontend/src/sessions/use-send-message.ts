import { notifyManager, useMutation } from "@tanstack/react-query";
import { appendMessage } from "../api/append-message";
import { type Cut, cutMessages } from "../api/cut-messages";
import { isSessionNotFound } from "../api/problem";
import type { Message } from "../api/types";
import { resent } from "../messages/resent";
import { type ChatSessions, useChatSessions } from "./context";
import { type MessagePages, withMessages, withoutMessagesFrom } from "./message-pages";
import type { OutgoingMessage } from "./typed-text";

interface SendOptions {
  onStored: (message: Message) => void;
  onFailure: (error: Error, message: OutgoingMessage) => void;
}

/** Sends the messages of a chat one after the other, in the order in which they were written. */
export function useSendMessage(chat: string, { onStored, onFailure }: SendOptions) {
  const chats = useChatSessions();
  const { client, deleted, keys, listeners, typed } = chats;
  return useMutation({
    mutationKey: keys.all,
    scope: { id: `send ${chat}` },
    mutationFn: (message: OutgoingMessage) =>
      message.cut ? replace(chats, message, message.cut) : append(chats, message),
    onSuccess: (stored, { id, content }) => {
      client.setQueryData<MessagePages>(keys.session(chat), (data) => data && withMessages(data, stored));
      client.invalidateQueries({ queryKey: keys.session(chat) });
      // After the cache has told its observers, or the message would vanish for a moment and be announced twice.
      notifyManager.schedule(() => typed.arrived(id));
      stored.forEach(onStored);
      listeners.tell("onSent", { id, chat, content });
    },
    onError: (error, message) => {
      typed.failed(message.id, error);
      if (message.cut) {
        // The cut may have succeeded, or the conversation has moved on.
        client.invalidateQueries({ queryKey: keys.session(chat) });
      }
      if (isSessionNotFound(error)) {
        deleted.add([chat]);
      } else {
        onFailure(error, message);
      }
    },
  });
}

/** The text is in the browser's storage, so a crash after the cut does not lose it. */
async function replace(chats: ChatSessions, message: OutgoingMessage, cut: Cut): Promise<Message[]> {
  const { api, client, keys } = chats;
  const { id, chat } = message;
  await cutMessages(api, chat, cut, id);
  await client.cancelQueries({ queryKey: keys.session(chat) });
  client.setQueryData<MessagePages>(keys.session(chat), (data) => data && withoutMessagesFrom(data, cut.from));
  return append(chats, message, cut.from - 1);
}

function append({ api }: ChatSessions, message: OutgoingMessage, afterSequence?: number): Promise<Message[]> {
  const { id, chat, content, original } = message;
  const fields = original ? resent(original, content) : { content, role: "user" };
  return appendMessage(api, chat, { ...fields, id }, { afterSequence });
}
