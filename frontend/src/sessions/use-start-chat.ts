import { useIsMutating, useMutation } from "@tanstack/react-query";
import { createSession } from "../api/create-session";
import { Problem } from "../api/problem";
import { sendable } from "../text/storable";
import { useChatSessions } from "./context";
import { mergeSession } from "./refresh";
import { titleFrom } from "./title-from";
import { NEW_CHAT, type OutgoingMessage } from "./typed-text";

/** Creates a chat with its first message. The draft stays until that has succeeded. */
export function useStartChat(onFailure: (error: Error, first: OutgoingMessage) => void) {
  const chats = useChatSessions();
  const { api, keys, listeners, typed } = chats;
  const isStarting = useIsMutating({ mutationKey: keys.start }) > 0;
  const creation = useMutation({
    mutationKey: keys.start,
    mutationFn: ({ id, chat, content }: OutgoingMessage) =>
      createSession(api, { id: chat, title: titleFrom(content), messages: [{ id, content, role: "user" }] }),
    onSuccess: (session, { id, chat, content }) => {
      mergeSession(chats, session);
      listeners.emit("onCreated", session);
      listeners.emit("onSent", { id, chat, content });
      typed.endFirst();
      if (sendable(typed.draftOf(NEW_CHAT)) === content) {
        typed.setDraft(NEW_CHAT, "");
      }
    },
    onError: (error, first) => {
      if (error instanceof Problem && error.status === 409) {
        // An earlier attempt, whose response was lost, created the chat, and it was deleted since.
        typed.endFirst();
      }
      onFailure(error, first);
    },
  });
  return { start: creation.mutate, isStarting };
}
