import { isCancelledError, type QueryClient, type QueryKey } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { Summary } from "../api/types";
import { useChatSessions } from "./context";
import type { Keys } from "./keys";

export interface SentMessage {
  id: string;
  /** The id of the chat. */
  chat: string;
  /** The text, without images and other parts. */
  content: string;
}

/** What the host may want to know of. Changes made in other tabs and on other devices are not told. */
export interface ChatCallbacks {
  onOpened?: ((session: Summary) => void) | undefined;
  onCreated?: ((session: Summary) => void) | undefined;
  /** A user message was stored: a first, a further, an edited or a regenerated one. Time to answer it. */
  onSent?: ((message: SentMessage) => void) | undefined;
  onRenamed?: ((session: Summary) => void) | undefined;
  onPinned?: ((session: Summary) => void) | undefined;
  /** Archived, or taken out of the archive. */
  onArchived?: ((session: Summary) => void) | undefined;
  /** Also for chats that turned out to be deleted already. */
  onDeleted?: ((ids: string[]) => void) | undefined;
  /** Anything that failed, retries included; the user has been told. A `Problem` if the service could not do it. */
  onError?: ((error: Error) => void) | undefined;
}

export class Listeners {
  readonly #all = new Set<() => ChatCallbacks>();

  add(latest: () => ChatCallbacks): () => void {
    this.#all.add(latest);
    return () => this.#all.delete(latest);
  }

  tell<Name extends keyof ChatCallbacks>(name: Name, what: Parameters<NonNullable<ChatCallbacks[Name]>>[0]): void {
    for (const latest of this.#all) {
      try {
        (latest()[name] as ((told: typeof what) => void) | undefined)?.(what);
      } catch (error) {
        // The host's mistake must not leave ours half done.
        reportError(error);
      }
    }
  }
}

/** Tells the callbacks of a component that has no place of its own for them. */
export function Callbacks(callbacks: ChatCallbacks): null {
  const { listeners } = useChatSessions();
  const latest = useRef(callbacks);
  useEffect(() => {
    latest.current = callbacks;
  });
  useEffect(() => listeners.add(() => latest.current), [listeners]);
  return null;
}

/** Every query and mutation of the provider that ends with an error. */
export function watchErrors(client: QueryClient, keys: Keys, onError: (error: Error) => void): () => void {
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
