/** The public API of the package. */
export type { GetToken } from "./api/client";
export { Problem } from "./api/problem";
export type { Message as ChatMessage, Summary as ChatSummary } from "./api/types";
export { english, type Labels } from "./labels/english";
export { ChatPane, type ChatPaneProps } from "./pane/chat-pane";
export type { MessageContent } from "./pane/message-slots";
export { StartPane, type StartPaneProps } from "./pane/start-pane";
export type { SentMessage } from "./sessions/callbacks";
export { ChatSessionsProvider, type ChatSessionsProviderProps } from "./sessions/provider";
export { ChatSidebar, type ChatSidebarProps } from "./sidebar/chat-sidebar";
export type { RowAction, RowContent } from "./sidebar/row-slots";
