import { createContext, type ReactNode, useContext } from "react";
import type { Message } from "../api/types";
import type { MessageBody } from "../messages/message-body";

export interface MessageContent {
  /** What the message shows by default, for hosts that add to it. */
  content: ReactNode;
}

/** The parts of the conversation that a host can replace. */
export interface MessageSlots {
  /** Renders the content of a message. If it throws, only that message is replaced by an error. */
  renderMessage?: ((message: Message, defaults: MessageContent) => ReactNode) | undefined;
  /**
   * "Regenerate" was pressed, with the last question. By default the conversation is cut before the question, which is
   * then sent again; see `onSent`.
   */
  onRegenerate?: ((question: Message) => void) | undefined;
}

export interface MessageRendering extends Pick<MessageSlots, "renderMessage"> {
  /** Null until its code has loaded. */
  Body: typeof MessageBody | null;
}

const MessageRenderingContext = createContext<MessageRendering>({ Body: null });
export const MessageRenderingProvider = MessageRenderingContext.Provider;
export const useMessageRendering = () => useContext(MessageRenderingContext);
