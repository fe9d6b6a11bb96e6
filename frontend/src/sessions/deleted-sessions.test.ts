// @vitest-environment node
import { expect, test, vi } from "vitest";
import { DeletedSessions } from "./deleted-sessions";

test("while the page deletes a session, the feed does not mark it as deleted elsewhere", () => {
  const deleted = new DeletedSessions();
  const end = deleted.begin((id) => id === "mine");
  deleted.addFromFeed(["mine", "other"]);
  expect([deleted.has("mine"), deleted.has("other")]).toEqual([false, true]);
  end();
  expect(deleted.has("mine")).toBe(true);
  expect([deleted.isOwn("mine"), deleted.isOwn("other")]).toEqual([true, false]);
});

test("listeners are called only for new ids", () => {
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
