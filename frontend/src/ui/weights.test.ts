// @vitest-environment node
import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

test("the styles use three font weights", () => {
  const sheets = globSync("src/**/*.css").map((file) => readFileSync(file, "utf8"));
  const weights = sheets.flatMap((sheet) => [...sheet.matchAll(/font-weight: (\w+)/g)].map(([, weight]) => weight));
  expect([...new Set(weights)].sort()).toEqual(["400", "500", "600"]);
});
