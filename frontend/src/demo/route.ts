import { useSyncExternalStore } from "react";

const CHAT = /^\/c\/([^/]+)$/;

export const hrefOf = (id: string) => `/c/${encodeURIComponent(id)}`;

/** The open chat is the one that the address names. */
export function useOpenChat() {
  const path = useSyncExternalStore(subscribe, () => location.pathname);
  const encoded = CHAT.exec(path)?.[1];
  return encoded === undefined ? null : decodeURIComponent(encoded);
}

export function openChat(id: string | null): void {
  const path = id === null ? "/" : hrefOf(id);
  if (path !== location.pathname) {
    history.pushState(null, "", path);
    dispatchEvent(new PopStateEvent("popstate"));
  }
}

function subscribe(listener: () => void): () => void {
  addEventListener("popstate", listener);
  return () => removeEventListener("popstate", listener);
}
