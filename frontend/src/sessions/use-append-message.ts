import { useMutation } from "@tanstack/react-query";
import { appendMessage } from "../api/append-message";
import { isSessionNotFound } from "../api/problem";
import { useChatSessions } from "./context";
import { keys } from "./keys";

export interface OutgoingMessage {
  id: string;
  content: string;
}

export function useAppendMessage(sessionId: string) {
  const { api, client, deleted } = useChatSessions();
  return useMutation({
    mutationFn: (message: OutgoingMessage) => appendMessage(api, sessionId, { ...message, role: "user" }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.session(sessionId) }),
    onError: (error) => {
      if (isSessionNotFound(error)) {
        deleted.add([sessionId]);
      }
    },
  });
}
