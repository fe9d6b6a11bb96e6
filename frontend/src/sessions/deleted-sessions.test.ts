import { expect, test, vi } from "vitest";
import { DeletedSessions } from "./deleted-sessions";

test("a deletion of one's own is not taken for somebody else's while it runs", () => {
  const deleted = new DeletedSessions();
  const end = deleted.begin((id) => id === "mine");
  deleted.addFromFeed(["mine", "other"]);
  expect([deleted.has("mine"), deleted.has("other")]).toEqual([false, true]);
  end();
  expect(deleted.has("mine")).toBe(true);
  expect([deleted.isOwn("mine"), deleted.isOwn("other")]).toEqual([true, false]);
});

test("listeners hear of what is new only", () => {
  const deleted = new DeletedSessions();
  const listener = vi.fn();
  const stop = deleted.subscribe(listener);
  deleted.add(["a"]);
  deleted.add(["a"]);
  expect(listener).toHaveBeenCalledTimes(1);
  stop();
  deleted.add(["b"]);
  expect(listener).toHaveBeenCalledTimes(1);
});
