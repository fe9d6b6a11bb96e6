import { useMutation } from "@tanstack/react-query";
import { createSession } from "../api/create-session";
import type { NewSession } from "../api/types";
import { useChatSessions } from "./context";
import { mergeSession } from "./refresh";

/** The caller mints the id, so that a retry makes no second session. */
export function useCreateSession() {
  const { api, client } = useChatSessions();
  return useMutation({
    mutationFn: (session: NewSession & { id: string }) => createSession(api, session),
    onSuccess: (session) => mergeSession(client, session),
  });
}
