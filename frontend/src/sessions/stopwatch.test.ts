import { expect, test, vi } from "vitest";
import { stopwatch } from "./stopwatch";

function clocks({ date, time }: { date: number; time: number }): void {
  vi.spyOn(Date, "now").mockReturnValue(date);
  vi.spyOn(performance, "now").mockReturnValue(time);
}

test.each([
  ["neither a clock that is set back", { date: -3_600_000, time: 500 }],
  ["nor one that stops in standby shortens the time", { date: 500, time: 1 }],
])("%s", (_, later) => {
  clocks({ date: 0, time: 0 });
  const elapsed = stopwatch();
  clocks(later);
  expect(elapsed()).toBe(500);
});
