import { mintId } from "./mint-id";

/** The prefix of all our query keys, which separates our settings from the host's. */
export const OURS = ["chat-sessions"] as const;

/** What a list shows. */
export interface Listing {
  /** The search text; "" lists everything. A search also finds archived sessions. */
  q: string;
  archived: boolean;
}

/** Unique to one provider: a client that the host shares may hold the chats of several users, one after the other. */
export function createQueryKeys() {
  const all = [...OURS, mintId()] as const;
  return {
    all,
    lists: [...all, "list"] as const,
    list: (listing: Listing) => [...all, "list", listing] as const,
    sessions: [...all, "session"] as const,
    session: (id: string) => [...all, "session", id] as const,
    /** The mutations that create a chat with its first message. */
    start: [...all, "start"] as const,
    count: [...all, "count"] as const,
  };
}

export function listingOf(query: { queryKey: readonly unknown[] } | undefined): Listing | undefined {
  return query?.queryKey.at(-1) as Listing | undefined;
}

export type QueryKeys = ReturnType<typeof createQueryKeys>;
