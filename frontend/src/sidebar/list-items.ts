import type { Summary } from "../api/types";

export type ListItem =
  | { kind: "heading"; key: string; label: string }
  | { kind: "session"; key: string; session: Summary; position: number }
  | { kind: "more"; key: string };

/** The rows of the list: sessions under the headings of their dates, in the time zone of the reader. */
export function listItems(sessions: readonly Summary[], now: Date, hasMore: boolean): ListItem[] {
  const items: ListItem[] = [];
  let heading = "";
  sessions.forEach((session, index) => {
    const label = headingOf(session, now);
    if (label !== heading) {
      heading = label;
      items.push({ kind: "heading", key: `heading ${label}`, label });
    }
    items.push({ kind: "session", key: session.id, session, position: index + 1 });
  });
  return hasMore ? [...items, { kind: "more", key: "more" }] : items;
}

function headingOf(session: Summary, now: Date): string {
  if (session.is_pinned) {
    return "Pinned";
  }
  const time = new Date(session.updated_at);
  if (time >= startOfDay(now, 0)) {
    return "Today";
  }
  if (time >= startOfDay(now, -1)) {
    return "Yesterday";
  }
  return time >= startOfDay(now, -7) ? "Previous 7 days" : "Older";
}

export function startOfDay(now: Date, offset: number): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + offset);
}
