import { expect, test } from "vitest";
import { Problem } from "../api/problem";
import { english } from "./english";
import { createFormat } from "./format";
import { reasonOf } from "./reason";

const language = { labels: english, format: createFormat("en") };
const problem = (status: number, retryAfter = 0) =>
  new Problem({ type: "about:blank", title: "T", status, detail: "For developers." }, { retryAfter });

test.each([
  [0, english.unreachable],
  [401, english.signedOut],
  [403, english.signedOut],
  [404, english.gone],
  [409, english.conflict],
  [412, english.conflict],
  [413, english.tooLarge],
  [422, english.rejected],
  [500, english.unexpected],
  [503, english.unavailable],
])("status %i has a reason for users", (status, text) => {
  expect(reasonOf(problem(status), language)).toBe(text);
});

test("the reason for a 429 says when to try again", () => {
  expect(reasonOf(problem(429, 1000), language)).toBe("Too many requests. Try again in 1 second.");
  expect(reasonOf(problem(429, 29_100), language)).toBe("Too many requests. Try again in 30 seconds.");
});

test("the host's own errors keep their messages", () => {
  expect(reasonOf(new Error("Melden Sie sich bitte an."), language)).toBe("Melden Sie sich bitte an.");
  expect(reasonOf("nonsense", language)).toBe(english.unexpected);
});
