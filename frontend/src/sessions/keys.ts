import { mintId } from "./mint-id";

/** Begins every key, so that the settings for all of them can be told apart from the host's. */
export const OURS = ["chat-sessions"] as const;

/** What a list shows. */
export interface Listing {
  /** What titles or messages contain; a search finds archived sessions, too. Everything if it is empty. */
  q: string;
  archived: boolean;
}

/** Of one provider only: a client that the host shares may hold the chats of one user after those of another. */
export function createKeys() {
  const all = [...OURS, mintId()] as const;
  return {
    all,
    lists: [...all, "list"] as const,
    list: (listing: Listing) => [...all, "list", listing] as const,
    sessions: [...all, "session"] as const,
    session: (id: string) => [...all, "session", id] as const,
    /** Mutations: the first message of a new chat is on its way. */
    start: [...all, "start"] as const,
    count: [...all, "count"] as const,
  };
}

export function listingOf(query: { queryKey: readonly unknown[] } | undefined): Listing | undefined {
  return query?.queryKey.at(-1) as Listing | undefined;
}

export type Keys = ReturnType<typeof createKeys>;
