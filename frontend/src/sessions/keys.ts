export const keys = {
  lists: ["sessions"] as const,
  list: (q: string) => ["sessions", q] as const,
  sessions: ["session"] as const,
  session: (id: string) => ["session", id] as const,
  count: (q: string) => ["count", q] as const,
};
