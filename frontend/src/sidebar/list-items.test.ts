// @vitest-environment node
import { expect, test } from "vitest";
import { summary } from "../test/service";
import { listItems } from "./list-items";

const NOW = new Date(2026, 5, 15, 12);
const on = (day: number, hour = 12) => ({ updated_at: new Date(2026, 5, day, hour).toISOString() });
const labels = (items: ReturnType<typeof listItems>) =>
  items.map((item) =>
    item.kind === "heading"
      ? `# ${typeof item.group === "string" ? item.group : item.group.toDateString()}`
      : item.kind === "session"
        ? item.session.title
        : "…",
  );

test("sessions are grouped by local days, and those older than a week by month", () => {
  const sessions = [
    summary("pinned", { is_pinned: true, ...on(1) }),
    summary("this morning", on(15, 0)),
    summary("last night", on(14, 23)),
    summary("a week ago", on(8, 0)),
    summary("before that", on(7, 23)),
    summary("first of the month", on(1, 0)),
    summary("last of May", on(0, 23)),
    summary("a year earlier", { updated_at: new Date(2025, 4, 31).toISOString() }),
  ];
  expect(labels(listItems(sessions, NOW, { hasMore: true, isSearch: false }))).toEqual([
    "# pinned",
    "pinned",
    "# today",
    "this morning",
    "# yesterday",
    "last night",
    "# previousSevenDays",
    "a week ago",
    "# Mon Jun 01 2026",
    "before that",
    "first of the month",
    "# Fri May 01 2026",
    "last of May",
    "# Thu May 01 2025",
    "a year earlier",
    "…",
  ]);
});

test("search results are listed by date, pinned or not", () => {
  const sessions = [
    summary("pinned", { is_pinned: true, ...on(15) }),
    summary("other", on(15)),
    summary("old", on(14)),
  ];
  expect(labels(listItems(sessions, NOW, { hasMore: false, isSearch: true }))).toEqual([
    "# today",
    "pinned",
    "other",
    "# yesterday",
    "old",
  ]);
});

test("a session from the future, by a slow clock, is listed under today", () => {
  expect(labels(listItems([summary("from the future", on(16))], NOW, { hasMore: false, isSearch: false }))).toEqual([
    "# today",
    "from the future",
  ]);
});
