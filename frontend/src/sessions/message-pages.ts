import type { InfiniteData } from "@tanstack/react-query";
import type { Message, Session } from "../api/types";

export type MessagePages = InfiniteData<Session, number | null>;

/** The messages in order, without duplicates. */
export function messagesOf(data: Pick<MessagePages, "pages">): Message[] {
  const bySequence = new Map<number, Message>();
  for (const page of data.pages) {
    for (const message of page.messages) {
      bySequence.set(message.sequence, message);
    }
  }
  return [...bySequence.values()].sort((a, b) => a.sequence - b.sequence);
}

/** Drops a message and all after it. */
export function withoutMessagesFrom(data: MessagePages, sequence: number): MessagePages {
  const pages = data.pages.map((page) => ({
    ...page,
    messages: page.messages.filter((message) => message.sequence < sequence),
  }));
  return { ...data, pages };
}

/** Adds newly stored messages to the newest page. */
export function withMessages(data: MessagePages, stored: readonly Message[]): MessagePages {
  const [newest, ...older] = data.pages;
  return newest ? { ...data, pages: [{ ...newest, messages: [...newest.messages, ...stored] }, ...older] } : data;
}
