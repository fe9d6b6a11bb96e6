// @vitest-environment node
import { expect, test } from "vitest";
import { titleFrom } from "./title-from";

const ASTRONAUT = "👩🏽‍🚀";

test("a short message becomes the title, on one line", () => {
  expect(titleFrom("  Where does\n\tthe sun set? ")).toBe("Where does the sun set?");
});

test("a long message is cut between words", () => {
  expect(titleFrom("word ".repeat(30))).toBe(`${"word ".repeat(12).trim()}…`);
  expect(titleFrom("x".repeat(61))).toBe(`${"x".repeat(60)}…`);
});

test("no character is cut in two", () => {
  expect(titleFrom(ASTRONAUT.repeat(60))?.replaceAll(ASTRONAUT, "")).toBe("…");
  expect(titleFrom(`${"x".repeat(59)}😀😀`)).toBe(`${"x".repeat(59)}😀…`);
  expect(titleFrom(`a${"\u0301".repeat(150)}b${"\u0301".repeat(150)}`)).toBe(`a${"\u0301".repeat(150)}…`);
});

test("characters that the service cannot store are removed", () => {
  expect(titleFrom("\ud83d Hello\0")).toBe("\ufffd Hello");
});

test("a message without visible characters makes no title", () => {
  expect(titleFrom("\u200b\u2060")).toBeNull();
  expect(titleFrom("\u0301".repeat(500))).toBeNull();
});
