import type { InfiniteData } from "@tanstack/react-query";
import type { SessionList, Summary } from "../api/types";
import type { Listing } from "./keys";

export interface SessionPage extends SessionList {
  /** For a search: matching parts of messages, by session id. */
  snippets?: Record<string, string>;
}

export type SessionPages = InfiniteData<SessionPage, string | null>;

/** The service's order: pinned first, then by latest message, then by greatest id. */
export function inListOrder(a: Summary, b: Summary): number {
  return (
    Number(b.is_pinned) - Number(a.is_pinned) ||
    Date.parse(b.updated_at) - Date.parse(a.updated_at) ||
    (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)
  );
}

export function sessionsOf(data: Pick<SessionPages, "pages">): Summary[] {
  const byId = new Map<string, Summary>();
  for (const page of data.pages) {
    for (const session of page.sessions) {
      if (!byId.has(session.id)) {
        byId.set(session.id, session);
      }
    }
  }
  return [...byId.values()];
}

export function findSession(data: SessionPages | undefined, id: string): Summary | undefined {
  return data?.pages.flatMap((page) => page.sessions).find((session) => session.id === id);
}

/** Puts a new or changed session in its place. If that is on a page not loaded yet, the session comes with that page. */
export function withSession(data: SessionPages, session: Summary): SessionPages {
  const pages = data.pages.map((page) => ({
    ...page,
    sessions: page.sessions.filter((other) => other.id !== session.id),
  }));
  const last = pages.at(-1);
  const page =
    pages.find(({ sessions }) => sessions.some((other) => inListOrder(session, other) < 0)) ??
    (last?.next_cursor === null ? last : undefined);
  page?.sessions.push(session);
  page?.sessions.sort(inListOrder);
  return { ...data, pages };
}

/** Adds a session to the list that it belongs to, and removes it from the other one. */
export function placed(data: SessionPages, { archived }: Listing, session: Summary): SessionPages {
  return session.is_archived === archived ? withSession(data, session) : withoutSession(data, session.id);
}

function withoutSession(data: SessionPages, id: string): SessionPages {
  if (!findSession(data, id)) {
    return data;
  }
  const pages = data.pages.map((page) => ({
    ...page,
    total: page.total - 1,
    sessions: page.sessions.filter((session) => session.id !== id),
  }));
  return { ...data, pages };
}

/** Changes a session without moving it. */
export function withChange(data: SessionPages, id: string, change: Partial<Summary>): SessionPages {
  const changed = (session: Summary) => (session.id === id ? { ...session, ...change } : session);
  return { ...data, pages: data.pages.map((page) => ({ ...page, sessions: page.sessions.map(changed) })) };
}

/** Merges a fresh first page: it replaces everything down to its last session, and what follows stays. */
export function withHead(data: SessionPages, head: SessionList): SessionPages {
  const bound = head.sessions.at(-1);
  if (head.next_cursor === null || bound === undefined || data.pages.length < 2) {
    return { pages: [head], pageParams: [null] };
  }
  const inHead = new Set(head.sessions.map((session) => session.id));
  const isAfterHead = (session: Summary) => inListOrder(bound, session) < 0 && !inHead.has(session.id);
  const [first, second, ...rest] = data.pages.map((page) => ({ ...page, sessions: page.sessions.filter(isAfterHead) }));
  const rejoined = second && { ...second, sessions: [...(first?.sessions ?? []), ...second.sessions] };
  return { ...data, pages: [head, ...(rejoined ? [rejoined] : []), ...rest] };
}
