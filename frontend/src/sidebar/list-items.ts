import type { Summary } from "../api/types";

export type Group = "pinned" | "today" | "yesterday" | "previousSevenDays" | "older";

export type ListItem =
  | { kind: "heading"; key: string; group: Group }
  | { kind: "session"; key: string; session: Summary; position: number }
  | { kind: "more"; key: string };

/** The rows of the list: sessions under the headings of their dates, in the time zone of the reader. */
export function listItems(sessions: readonly Summary[], now: Date, hasMore: boolean): ListItem[] {
  const items: ListItem[] = [];
  let current: Group | null = null;
  sessions.forEach((session, index) => {
    const group = groupOf(session, now);
    if (group !== current) {
      current = group;
      items.push({ kind: "heading", key: `heading ${group}`, group });
    }
    items.push({ kind: "session", key: session.id, session, position: index + 1 });
  });
  return hasMore ? [...items, { kind: "more", key: "more" }] : items;
}

function groupOf(session: Summary, now: Date): Group {
  if (session.is_pinned) {
    return "pinned";
  }
  const time = new Date(session.updated_at);
  if (time >= startOfDay(now, 0)) {
    return "today";
  }
  if (time >= startOfDay(now, -1)) {
    return "yesterday";
  }
  return time >= startOfDay(now, -7) ? "previousSevenDays" : "older";
}

export function startOfDay(now: Date, offset: number): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + offset);
}
