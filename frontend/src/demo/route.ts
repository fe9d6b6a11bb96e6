import { useSyncExternalStore } from "react";
import { base } from "./base";

const CHAT = /^\/c\/([^/]+)$/;

export const hrefOf = (id: string) => `${base}/c/${encodeURIComponent(id)}`;

/** The id of the open chat, from the URL. */
export function openChatId(): string | null {
  const encoded = CHAT.exec(location.pathname.slice(base.length))?.[1];
  return encoded === undefined ? null : decoded(encoded);
}

export const useOpenChat = () => useSyncExternalStore(subscribe, openChatId);

/** A badly encoded id is kept as it is, so that the page says that there is no such chat. */
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

/** Leaves a deleted chat without keeping it in the browser's history. */
export function leaveDeletedChat(): void {
  history.replaceState(null, "", `${base}/`);
  dispatchEvent(new PopStateEvent("popstate"));
}

function subscribe(listener: () => void): () => void {
  addEventListener("popstate", listener);
  return () => removeEventListener("popstate", listener);
}
