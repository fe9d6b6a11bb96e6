/** Returns a function for the milliseconds since now. Of two clocks, one can be set back, and one stops in standby. */
export function stopwatch(): () => number {
  const [date, time] = [Date.now(), performance.now()];
  return () => Math.max(Date.now() - date, performance.now() - time);
}
