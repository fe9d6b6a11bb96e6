// @vitest-environment node
import { expect, test } from "vitest";
import { createFormat } from "./format";

test("dates and numbers follow the locale", () => {
  const german = createFormat("de");
  expect(german.number(1234567)).toBe("1.234.567");
  expect(german.dateTime("2026-03-09T12:00:00Z")).toMatch(/^0?9\.0?3\.2026/);
  expect(createFormat("en-US").dateTime("2026-03-09T12:00:00Z")).toMatch(/^Mar 9, 2026/);
});

test("a month of another year includes the year", () => {
  const german = createFormat("de");
  expect(german.month(new Date(2026, 2), new Date(2026, 10, 26))).toBe("März");
  expect(german.month(new Date(2025, 2), new Date(2026, 10, 26))).toBe("März 2025");
});

test("letters are lowercased for the locale", () => {
  expect(createFormat("tr").lowerCase("SİL")).toBe("sil");
});
