import { useSyncExternalStore } from "react";
import { base } from "./base";

const CHAT = /^\/c\/([^/]+)$/;

export const hrefOf = (id: string) => `${base}/c/${encodeURIComponent(id)}`;

/** The open chat is the one that the address names. */
export function openChatId(): string | null {
  const encoded = CHAT.exec(location.pathname.slice(base.length))?.[1];
  return encoded === undefined ? null : decoded(encoded);
}

export const useOpenChat = () => useSyncExternalStore(subscribe, openChatId);

/** What is not encoded as it should be names no chat, which the page says as of any other address. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function openChat(id: string | null): void {
  const path = id === null ? `${base}/` : hrefOf(id);
  if (path !== location.pathname) {
    history.pushState(null, "", path);
    dispatchEvent(new PopStateEvent("popstate"));
  }
}

/** Leaves a chat that was deleted: Back does not lead there again. */
export function leaveDeletedChat(): void {
  history.replaceState(null, "", `${base}/`);
  dispatchEvent(new PopStateEvent("popstate"));
}

function subscribe(listener: () => void): () => void {
  addEventListener("popstate", listener);
  return () => removeEventListener("popstate", listener);
}
