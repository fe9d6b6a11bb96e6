import type { QueryClient } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import type { Api } from "../api/client";
import type { Listeners } from "./callbacks";
import type { DeletedSessions } from "./deleted-sessions";
import type { QueryKeys } from "./keys";
import type { TypedText } from "./typed-text";

export interface ChatSessions {
  api: Api;
  client: QueryClient;
  keys: QueryKeys;
  deleted: DeletedSessions;
  listeners: Listeners;
  typed: TypedText;
  /** Milliseconds since it was created. */
  age: () => number;
}

export const ChatSessionsContext = createContext<ChatSessions | null>(null);

export function useChatSessions(): ChatSessions {
  const context = useContext(ChatSessionsContext);
  if (!context) {
    throw new Error("Put this component below a <ChatSessionsProvider>.");
  }
  return context;
}
