import type { QueryClient } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import type { Api } from "../api/client";
import type { DeletedSessions } from "./deleted-sessions";
import type { TypedText } from "./typed-text";

export interface ChatSessions {
  api: Api;
  client: QueryClient;
  deleted: DeletedSessions;
  typed: TypedText;
}

export const ChatSessionsContext = createContext<ChatSessions | null>(null);

export function useChatSessions(): ChatSessions {
  const context = useContext(ChatSessionsContext);
  if (!context) {
    throw new Error("ChatSessionsProvider is missing above this component");
  }
  return context;
}
