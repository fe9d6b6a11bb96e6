// @vitest-environment node
import { expect, test } from "vitest";
import type { Message } from "../api/types";
import { turnsOf } from "./turns";

const shown = (...messages: object[]) =>
  turnsOf(messages.map((message, sequence) => ({ sequence, ...message }) as unknown as Message)).map(
    ({ message: { sequence }, parts }) => [
      sequence,
      parts.map((part) => {
        switch (part.kind) {
          case "call":
            return `${part.name} → ${part.result ? part.result.output : "?"}`;
          case "result":
            return `? → ${part.output}`;
          default:
            return "text" in part ? part.text : part.kind;
        }
      }),
    ],
  );

const calling = (...ids: string[]) => ({
  role: "assistant",
  content: null,
  tool_calls: ids.map((id) => ({ id, type: "function", function: { name: `tool ${id}`, arguments: "{}" } })),
});
const answer = (tool_call_id: string, content: string) => ({ role: "tool", tool_call_id, content });

test("results move into their calls, in any order", () => {
  expect(shown(calling("a", "b"), answer("b", "2"), answer("a", "1"))).toEqual([[0, ["tool a → 1", "tool b → 2"]]]);
});

test("a call without a result and a result without a call both stay", () => {
  expect(shown(answer("a", "1"), calling("b"))).toEqual([
    [0, ["? → 1"]],
    [1, ["tool b → ?"]],
  ]);
});

test("a result belongs to the latest call with its id", () => {
  expect(shown(calling("a"), answer("a", "1"), calling("a"), answer("a", "2"), answer("a", "3"))).toEqual([
    [0, ["tool a → 1"]],
    [2, ["tool a → 2"]],
    [4, ["? → 3"]],
  ]);
});

test("a message with more than results stays", () => {
  const results = [{ type: "tool_result", tool_use_id: "a", content: "1" }];
  const call = { role: "assistant", content: [{ type: "tool_use", id: "a", name: "add", input: {} }] };
  expect(shown(call, { role: "user", content: results })).toEqual([[0, ["add → 1"]]]);
  expect(shown(call, { role: "user", content: [...results, { type: "text", text: "Go on." }] })).toEqual([
    [0, ["add → 1"]],
    [1, ["Go on."]],
  ]);
});

test("legacy function calls are paired by name", () => {
  const call = { role: "assistant", content: null, function_call: { name: "add", arguments: "{}" } };
  expect(shown(call, { role: "function", name: "add", content: "2" })).toEqual([[0, ["add → 2"]]]);
});

test("an empty message stays", () => {
  expect(shown({ role: "assistant", content: "" })).toEqual([[0, []]]);
});
