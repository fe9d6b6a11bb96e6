/** What other front ends may use. */
export type { GetToken } from "./api/client";
export { Problem } from "./api/problem";
export type { Message, Session, Summary } from "./api/types";
export { ChatPane, type ChatPaneProps } from "./pane/chat-pane";
export { StartPane, type StartPaneProps } from "./pane/start-pane";
export { ChatSessionsProvider, type ChatSessionsProviderProps } from "./sessions/provider";
export { ChatSidebar, type ChatSidebarProps } from "./sidebar/chat-sidebar";
