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

/** Sends the messages of a chat one at a time, in order. */
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
      // Only after the cache has notified its observers, or the message would vanish briefly and be announced twice.
      notifyManager.schedule(() => typed.remove(id));
      stored.forEach(onStored);
      listeners.emit("onSent", { id, chat, content });
    },
    onError: (error, message) => {
      typed.failed(message.id, error);
      if (message.cut) {
        // The cut may have succeeded, or the conversation has changed.
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

/** Cuts the conversation, then appends the message. A crash in between loses nothing: the text is in browser storage. */
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
