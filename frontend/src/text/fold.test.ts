// @vitest-environment node
import { expect, test } from "vitest";
import { aroundFound, findFolded } from "./fold";

const marked = (text: string, search: string) => {
  const found = findFolded(text, search);
  return found && text.slice(found.start, found.end);
};

test("a match ignores case and accents, and is marked as written", () => {
  expect(marked("Über uns", "uber")).toBe("Über");
  expect(marked("CAFE\u0301 noir", "café")).toBe("CAFE\u0301");
  expect(marked("Sourdough", "SOUR")).toBe("Sour");
});

test("letters whose lower case has another length do not shift the mark", () => {
  expect(marked("İİİ Lisbon", "lisbon")).toBe("Lisbon");
  expect(marked("İstanbul", "istanbul")).toBe("İstanbul");
});

test("ligatures and emoji are marked whole", () => {
  expect(marked("The ﬁnal ﬁle", "fi")).toBe("ﬁ");
  expect(marked("a 👩‍🚀 b", "b")).toBe("b");
});

test("without a match nothing is marked", () => {
  expect(marked("Alpha", "beta")).toBeNull();
  expect(marked("Alpha", "")).toBeNull();
  expect(marked("Alpha", "\u0301")).toBeNull();
});

test("a text is shortened between words so that a late match is near its beginning", () => {
  const text = "We talked about the weather for a long time, and then about Lisbon and its trams.";
  expect(aroundFound(text, "lisbon")).toBe("…and then about Lisbon and its trams.");
  expect(aroundFound(text, "weather")).toBe(text);
  expect(aroundFound(text, "nothing like it")).toBe(text);
  expect(aroundFound(`${"a".repeat(40)}lisbon`, "lisbon")).toBe("…lisbon");
});
