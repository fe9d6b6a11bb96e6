import { expect, test } from "vitest";
import { aroundFound, findFolded } from "./fold";

const marked = (text: string, search: string) => {
  const found = findFolded(text, search);
  return found && text.slice(found.start, found.end);
};

test("a match is found in any case and with any accents, and marked as it is written", () => {
  expect(marked("Über uns", "uber")).toBe("Über");
  expect(marked("CAFE\u0301 noir", "café")).toBe("CAFE\u0301");
  expect(marked("Sourdough", "SOUR")).toBe("Sour");
});

test("letters that change their length with their case do not shift the mark", () => {
  expect(marked("İİİ Lisbon", "lisbon")).toBe("Lisbon");
  expect(marked("İstanbul", "istanbul")).toBe("İstanbul");
});

test("ligatures and emoji are marked whole", () => {
  expect(marked("The ﬁnal ﬁle", "fi")).toBe("ﬁ");
  expect(marked("a 👩‍🚀 b", "b")).toBe("b");
});

test("nothing is marked where nothing is found", () => {
  expect(marked("Alpha", "beta")).toBeNull();
  expect(marked("Alpha", "")).toBeNull();
  expect(marked("Alpha", "\u0301")).toBeNull();
});

test("what was found in the middle of a text comes near its beginning, after whole words", () => {
  const text = "We talked about the weather for a long time, and then about Lisbon and its trams.";
  expect(aroundFound(text, "lisbon")).toBe("…and then about Lisbon and its trams.");
  expect(aroundFound(text, "weather")).toBe(text);
  expect(aroundFound(text, "nothing like it")).toBe(text);
  expect(aroundFound(`${"a".repeat(40)}lisbon`, "lisbon")).toBe("…lisbon");
});
