import type { InfiniteData } from "@tanstack/react-query";
import type { SessionList, Summary } from "../api/types";
import type { Listing } from "./keys";

export interface SessionPage extends SessionList {
  /** Of a search: by session, what was said in it. */
  snippets?: Record<string, string>;
}

export type SessionPages = InfiniteData<SessionPage, string | null>;

/** The order of the service: pinned first, then the latest message, then the greatest id. */
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

/** Put a new or changed session where it belongs; if that is on a page not loaded yet, it comes with that page. */
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

/** Put a session into the list that it belongs to, and out of the other one. */
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

/** Change a session where it stands. */
export function withChange(data: SessionPages, id: string, change: Partial<Summary>): SessionPages {
  const changed = (session: Summary) => (session.id === id ? { ...session, ...change } : session);
  return { ...data, pages: data.pages.map((page) => ({ ...page, sessions: page.sessions.map(changed) })) };
}

/** Take in a fresh first page: it is the truth down to its last session; what comes after that stays. */
export function withHead(data: SessionPages, head: SessionList): SessionPages {
  const bound = head.sessions.at(-1);
  if (head.next_cursor === null || bound === undefined || data.pages.length < 2) {
    return { pages: [head], pageParams: [null] };
  }
  const inHead = new Set(head.sessions.map((session) => session.id));
  const isBehind = (session: Summary) => inListOrder(bound, session) < 0 && !inHead.has(session.id);
  const [first, second, ...rest] = data.pages.map((page) => ({ ...page, sessions: page.sessions.filter(isBehind) }));
  const rejoined = second && { ...second, sessions: [...(first?.sessions ?? []), ...second.sessions] };
  return { ...data, pages: [head, ...(rejoined ? [rejoined] : []), ...rest] };
}
