import type { Summary } from "../api/types";

/** A date is the first day of its month. */
export type Group = "pinned" | "today" | "yesterday" | "previousSevenDays" | Date;

export interface Heading {
  kind: "heading";
  key: string;
  group: Group;
}

export type ListItem =
  | Heading
  | { kind: "session"; key: string; session: Summary; position: number }
  | { kind: "more"; key: string };

/** The rows of the list: sessions under date headings, in the browser's time zone. */
export function listItems(
  sessions: readonly Summary[],
  now: Date,
  { hasMore, isSearch }: { hasMore: boolean; isSearch: boolean },
): ListItem[] {
  const items: ListItem[] = [];
  let current: string | null = null;
  sessions.forEach((session, index) => {
    // A search does not list pinned sessions separately.
    const group = session.is_pinned && !isSearch ? "pinned" : groupOf(session, now);
    const key = `heading ${typeof group === "string" ? group : +group}`;
    if (key !== current) {
      current = key;
      items.push({ kind: "heading", key, group });
    }
    items.push({ kind: "session", key: session.id, session, position: index + 1 });
  });
  return hasMore ? [...items, { kind: "more", key: "more" }] : items;
}

function groupOf(session: Summary, now: Date): Group {
  const time = new Date(session.updated_at);
  if (time >= startOfDay(now, 0)) {
    return "today";
  }
  if (time >= startOfDay(now, -1)) {
    return "yesterday";
  }
  return time >= startOfDay(now, -7) ? "previousSevenDays" : new Date(time.getFullYear(), time.getMonth());
}

export function startOfDay(now: Date, offset: number): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + offset);
}
