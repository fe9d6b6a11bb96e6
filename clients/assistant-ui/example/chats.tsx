"use client";
import { AssistantRuntimeProvider, useLocalRuntime, useRemoteThreadListRuntime } from "@assistant-ui/react";
import { createThreadListAdapter } from "chat-sessions-assistant-ui";
import type { ReactNode } from "react";
import { baseUrl, getToken, model } from "./yours.js";

const adapter = createThreadListAdapter({ baseUrl, getToken });

const useThread = () => useLocalRuntime(model);

export function Chats({ children }: { children: ReactNode }) {
  const runtime = useRemoteThreadListRuntime({ adapter, runtimeHook: useThread });
  return <AssistantRuntimeProvider runtime={runtime}>{children}</AssistantRuntimeProvider>;
}
