export const keys = {
  lists: ["sessions"] as const,
  list: (q: string) => ["sessions", q] as const,
  sessions: ["session"] as const,
  session: (id: string) => ["session", id] as const,
  /** Mutations: the first message of a new chat is on its way. */
  start: ["start"] as const,
  count: (q: string) => ["count", q] as const,
};
