import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/*.test.{ts,tsx}"],
    silent: "passed-only",
    maxWorkers: 2,
    // Long enough for a busy machine.
    testTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
