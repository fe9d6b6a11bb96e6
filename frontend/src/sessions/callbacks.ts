import { isCancelledError, type QueryClient, type QueryKey } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { Summary } from "../api/types";
import { useChatSessions } from "./context";
import type { QueryKeys } from "./keys";

export interface SentMessage {
  id: string;
  /** The id of the chat. */
  chat: string;
  /** The text, without images and other parts. */
  content: string;
}

/** Called for what the user does on this page, but not for changes made in other tabs or on other devices. */
export interface ChatCallbacks {
  onOpened?: ((session: Summary) => void) | undefined;
  onCreated?: ((session: Summary) => void) | undefined;
  /** A user message was stored, whether new, edited or resent to regenerate the answer: time to answer it. */
  onSent?: ((message: SentMessage) => void) | undefined;
  onRenamed?: ((session: Summary) => void) | undefined;
  onPinned?: ((session: Summary) => void) | undefined;
  /** Archived or unarchived. */
  onArchived?: ((session: Summary) => void) | undefined;
  /** Also called for chats that turn out to be deleted already. */
  onDeleted?: ((ids: string[]) => void) | undefined;
  /** A request failed, after any automatic retry; the page shows that too. A `Problem` unless the error is the host's. */
  onError?: ((error: Error) => void) | undefined;
}

export class Listeners {
  readonly #all = new Set<() => ChatCallbacks>();

  add(latest: () => ChatCallbacks): () => void {
    this.#all.add(latest);
    return () => this.#all.delete(latest);
  }

  emit<Name extends keyof ChatCallbacks>(name: Name, value: Parameters<NonNullable<ChatCallbacks[Name]>>[0]): void {
    for (const latest of this.#all) {
      try {
        (latest()[name] as ((given: typeof value) => void) | undefined)?.(value);
      } catch (error) {
        // A bug in a host's callback must not stop our own work halfway.
        reportError(error);
      }
    }
  }
}

/** Registers callbacks while it is mounted. */
export function Callbacks(callbacks: ChatCallbacks): null {
  const { listeners } = useChatSessions();
  const latest = useRef(callbacks);
  useEffect(() => {
    latest.current = callbacks;
  });
  useEffect(() => listeners.add(() => latest.current), [listeners]);
  return null;
}

/** Reports the error of every failed query and mutation of the provider. */
export function watchErrors(client: QueryClient, keys: QueryKeys, onError: (error: Error) => void): () => void {
  const isOurs = (key: QueryKey | undefined) => keys.all.every((part, index) => key?.[index] === part);
  const stopQueries = client.getQueryCache().subscribe((event) => {
    if (event.type === "updated" && event.action.type === "error" && isOurs(event.query.queryKey)) {
      if (!isCancelledError(event.action.error)) {
        onError(event.action.error);
      }
    }
  });
  const stopMutations = client.getMutationCache().subscribe((event) => {
    if (event.type === "updated" && event.action.type === "error" && isOurs(event.mutation.options.mutationKey)) {
      onError(event.action.error as Error);
    }
  });
  return () => {
    stopQueries();
    stopMutations();
  };
}
