// @vitest-environment node
import { expect, test } from "vitest";
import type { SessionList, Summary } from "../api/types";
import { inListOrder, type SessionPages, sessionsOf, withChange, withHead, withSession } from "./session-pages";

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();

function session(id: string, minute: number, given: Partial<Summary> = {}): Summary {
  const times = { created_at: at(0), updated_at: at(minute) };
  return { id, user_id: "u", title: id, ...times, is_pinned: false, is_archived: false, metadata: {}, ...given };
}

const page = (sessions: Summary[], next_cursor: string | null = null): SessionList => ({
  sessions,
  total: sessions.length,
  next_cursor,
});
const pages = (...all: SessionList[]): SessionPages => ({ pages: all, pageParams: all.map(() => null) });
const ids = (data: SessionPages) => sessionsOf(data).map(({ id }) => id);

const TWO_PAGES = pages(
  page([session("e", 5), session("d", 4)], "cursor"),
  page([session("c", 3), session("b", 2)], "more"),
);

test("sessions are ordered as by the service: pinned, latest, greatest id", () => {
  const sorted = [session("a", 1), session("c", 2), session("b", 2), session("p", 0, { is_pinned: true })].sort(
    inListOrder,
  );
  expect(sorted.map(({ id }) => id)).toEqual(["p", "c", "b", "a"]);
});

test("times with and without fractions of a second compare as times", () => {
  const whole = session("a", 0, { updated_at: "2026-01-01T00:00:00Z" });
  const half = session("b", 0, { updated_at: "2026-01-01T00:00:00.500Z" });
  expect(inListOrder(half, whole)).toBeLessThan(0);
});

test("a new session is inserted in order", () => {
  expect(ids(withSession(TWO_PAGES, session("f", 6)))).toEqual(["f", "e", "d", "c", "b"]);
  expect(ids(withSession(TWO_PAGES, session("x", 3.5)))).toEqual(["e", "d", "x", "c", "b"]);
});

test("a changed session moves without being duplicated", () => {
  expect(ids(withSession(TWO_PAGES, session("b", 9)))).toEqual(["b", "e", "d", "c"]);
  expect(ids(withSession(TWO_PAGES, session("c", 3, { is_pinned: true })))).toEqual(["c", "e", "d", "b"]);
});

test("a session beyond the loaded pages is not shown yet", () => {
  expect(ids(withSession(TWO_PAGES, session("e", 1)))).toEqual(["d", "c", "b"]);
  const whole = pages(page([session("e", 5)]));
  expect(ids(withSession(whole, session("a", 1)))).toEqual(["e", "a"]);
});

test("a change keeps the order", () => {
  const changed = withChange(TWO_PAGES, "b", { title: "new" });
  expect(ids(changed)).toEqual(["e", "d", "c", "b"]);
  expect(sessionsOf(changed).at(-1)?.title).toBe("new");
});

test("a fresh first page replaces what it covers, and the rest stays", () => {
  const head = page([session("g", 7), session("e", 5)], "cursor");
  expect(ids(withHead(TWO_PAGES, head))).toEqual(["g", "e", "d", "c", "b"]);
  const withoutD = page([session("e", 5), session("c", 3)], "cursor");
  expect(ids(withHead(TWO_PAGES, withoutD))).toEqual(["e", "c", "b"]);
});

test("a fresh first page that is the only one replaces everything", () => {
  expect(ids(withHead(TWO_PAGES, page([session("e", 5)])))).toEqual(["e"]);
});

test("the given pages are not modified", () => {
  const before = JSON.stringify(TWO_PAGES);
  withSession(TWO_PAGES, session("b", 9));
  withHead(TWO_PAGES, page([session("g", 7)], "cursor"));
  withChange(TWO_PAGES, "b", { title: "new" });
  expect(JSON.stringify(TWO_PAGES)).toBe(before);
});
