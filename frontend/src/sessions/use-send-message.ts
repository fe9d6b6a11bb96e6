import { useMutation } from "@tanstack/react-query";
import { appendMessage } from "../api/append-message";
import { isSessionNotFound } from "../api/problem";
import type { Message } from "../api/types";
import { useChatSessions } from "./context";
import { type MessagePages, withMessages } from "./message-pages";
import type { OutgoingMessage } from "./typed-text";

interface SendOptions {
  onStored: (message: Message) => void;
  onFailure: (error: Error, message: OutgoingMessage) => void;
}

/** Sends the messages of a chat one after the other, in the order in which they were written. */
export function useSendMessage(chat: string, { onStored, onFailure }: SendOptions) {
  const { api, client, deleted, keys, typed } = useChatSessions();
  return useMutation({
    mutationKey: keys.all,
    scope: { id: `send ${chat}` },
    mutationFn: ({ id, content }: OutgoingMessage) => appendMessage(api, chat, { id, content, role: "user" }),
    onSuccess: (stored, { id }) => {
      client.setQueryData<MessagePages>(keys.session(chat), (data) => data && withMessages(data, stored));
      client.invalidateQueries({ queryKey: keys.session(chat) });
      typed.arrived(id);
      stored.forEach(onStored);
    },
    onError: (error, message) => {
      typed.failed(message.id, error);
      if (isSessionNotFound(error)) {
        deleted.add([chat]);
      } else {
        onFailure(error, message);
      }
    },
  });
}
