// @vitest-environment node
import { expect, test } from "vitest";
import { messageParts, textOf } from "./message-parts";
import { outputParts } from "./output-parts";

const user = (content: unknown) => messageParts({ role: "user", content });
const assistant = (fields: object) => messageParts({ role: "assistant", content: null, ...fields });
const call = (id: string | null, name: string, input: unknown) => ({ kind: "call", id, name, input, result: null });
const result = (callId: string | null, output: unknown, { name = null as string | null, isError = false } = {}) => ({
  kind: "result",
  callId,
  name,
  output,
  isError,
});

test.each([
  ["a string", "Hello", [{ kind: "text", text: "Hello" }]],
  ["strings", ["Hello"], [{ kind: "text", text: "Hello" }]],
  ["nothing", null, []],
  ["an empty string", "", []],
  ["white space", " \n", []],
  ["OpenAI text", [{ type: "text", text: "a" }], [{ kind: "text", text: "a" }]],
  ["Responses API text", [{ type: "output_text", text: "a" }], [{ kind: "text", text: "a" }]],
  ["a refusal", [{ type: "refusal", refusal: "No." }], [{ kind: "refusal", text: "No." }]],
  [
    "an OpenAI image",
    [{ type: "image_url", image_url: { url: "https://x.test/a.png" } }],
    [{ kind: "image", url: "https://x.test/a.png", name: null }],
  ],
  [
    "a Responses API image",
    [{ type: "input_image", image_url: "https://x.test/a.png" }],
    [{ kind: "image", url: "https://x.test/a.png", name: null }],
  ],
  [
    "an Anthropic image",
    [{ type: "image", source: { type: "base64", media_type: "image/webp", data: "AAAA" } }],
    [{ kind: "image", url: "data:image/webp;base64,AAAA", name: null }],
  ],
  [
    "an Anthropic image by URL",
    [{ type: "image", source: { type: "url", url: "https://x.test/a.png" } }],
    [{ kind: "image", url: "https://x.test/a.png", name: null }],
  ],
  [
    "an AI SDK image",
    [{ type: "file", mediaType: "image/png", filename: "a.png", url: "https://x.test/1" }],
    [{ kind: "image", url: "https://x.test/1", name: "a.png" }],
  ],
  [
    "an AI SDK image as data",
    [{ type: "image", image: "AAAA" }],
    [{ kind: "image", url: "data:image/png;base64,AAAA", name: null }],
  ],
  [
    "a document",
    [{ type: "document", title: "Report", source: { type: "base64", media_type: "application/pdf", data: "AAAA" } }],
    [{ kind: "file", name: "Report" }],
  ],
  [
    "an OpenAI file",
    [{ type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AAAA" } }],
    [{ kind: "file", name: "a.pdf" }],
  ],
  [
    "a source",
    [{ type: "source-url", sourceId: "1", url: "https://x.test", title: "X" }],
    [{ kind: "link", url: "https://x.test", name: "X" }],
  ],
  ["thinking", [{ type: "thinking", thinking: "Hm.", signature: "s" }], [{ kind: "reasoning", text: "Hm." }]],
  ["redacted thinking", [{ type: "redacted_thinking", data: "x" }, { type: "step-start" }], []],
  [
    "an Anthropic call and result",
    [
      { type: "tool_use", id: "1", name: "add", input: { a: 1 } },
      { type: "tool_result", tool_use_id: "1", content: "2", is_error: true },
    ],
    [call("1", "add", { a: 1 }), result("1", "2", { isError: true })],
  ],
  [
    "an Anthropic web search",
    [
      { type: "server_tool_use", id: "1", name: "web_search", input: { query: "a" } },
      { type: "web_search_tool_result", tool_use_id: "1", content: [] },
    ],
    [call("1", "web_search", { query: "a" }), result("1", [])],
  ],
  [
    "a call and a result of AI SDK model messages",
    [
      { type: "tool-call", toolCallId: "1", toolName: "add", input: {} },
      { type: "tool-result", toolCallId: "1", toolName: "add", output: { type: "text", value: "2" } },
    ],
    [call("1", "add", {}), result("1", { type: "text", value: "2" }, { name: "add" })],
  ],
  [
    "an unknown type",
    [{ type: "hologram", x: 1 }],
    [{ kind: "other", type: "hologram", value: { type: "hologram", x: 1 } }],
  ],
  ["a number", 42, [{ kind: "other", type: "content", value: 42 }]],
  ["invalid parts", [null, 7], [null, 7].map((value) => ({ kind: "other", type: "", value }))],
])("content is understood: %s", (_, content, parts) => {
  expect(user(content)).toEqual(parts);
});

test("reasoning comes before the content, and tool calls after it", () => {
  const tool_calls = [
    { id: "1", type: "function", function: { name: "add", arguments: '{"a":1}' } },
    { id: "2", type: "custom", custom: { name: "sql", input: "select 1" } },
  ];
  expect(assistant({ content: "Hello", reasoning_content: "Hm.", refusal: "No.", tool_calls })).toEqual([
    { kind: "reasoning", text: "Hm." },
    { kind: "text", text: "Hello" },
    { kind: "refusal", text: "No." },
    call("1", "add", '{"a":1}'),
    call("2", "sql", "select 1"),
  ]);
});

test("legacy and less common fields are understood", () => {
  const tool_calls = [{ name: "add", args: { a: 1 }, id: "1", type: "tool_call" }];
  expect(assistant({ content: "", tool_calls })).toEqual([call("1", "add", { a: 1 })]);
  expect(assistant({ function_call: { name: "add", arguments: "{}" } })).toEqual([call(null, "add", "{}")]);
  expect(assistant({ audio: { id: "1", transcript: "Hello" } })).toEqual([{ kind: "text", text: "Hello" }]);
  expect(messageParts({ role: "tool", tool_call_id: "1", content: "2" })).toEqual([result("1", "2")]);
  expect(messageParts({ role: "function", name: "add", content: "2" })).toEqual([result(null, "2", { name: "add" })]);
  expect(messageParts({ role: "reasoning", content: "Hm." })).toEqual([{ kind: "reasoning", text: "Hm." }]);
  const summary = [{ type: "summary_text", text: "Hm." }];
  expect(messageParts({ role: "reasoning", content: null, summary })).toEqual([{ kind: "reasoning", text: "Hm." }]);
});

test("the parts of AI SDK UI messages are understood", () => {
  const parts = [
    { type: "step-start" },
    { type: "reasoning", text: "Hm." },
    { type: "text", text: "Hello" },
    { type: "tool-weather", toolCallId: "1", state: "output-available", input: { city: "X" }, output: { t: 20 } },
    { type: "dynamic-tool", toolName: "add", toolCallId: "2", state: "output-error", input: {}, errorText: "No." },
    { type: "tool-invocation", toolInvocation: { toolCallId: "3", toolName: "sub", state: "call", args: { a: 1 } } },
    { type: "data-weather", data: { t: 20 } },
  ];
  expect(assistant({ content: "Hello", parts })).toEqual([
    { kind: "reasoning", text: "Hm." },
    { kind: "text", text: "Hello" },
    call("1", "weather", { city: "X" }),
    result("1", { t: 20 }, { name: "weather" }),
    call("2", "add", {}),
    result("2", "No.", { name: "add", isError: true }),
    call("3", "sub", { a: 1 }),
    { kind: "other", type: "data-weather", value: { type: "data-weather", data: { t: 20 } } },
  ]);
});

const STRANGE = [undefined, null, 0, "", "x", [], {}, [[]], [{}], { type: "text" }, [{ type: "text", text: {} }]];
const FIELDS = ["content", "parts", "refusal", "tool_calls", "function_call", "audio", "reasoning", "summary", "name"];

test.each(["user", "assistant", "tool", "function", "reasoning", "constructor"])(
  "no stored value breaks a message of the role %s",
  (role) => {
    for (const field of FIELDS) {
      for (const value of STRANGE) {
        expect(messageParts({ role, [field]: value })).toBeInstanceOf(Array);
      }
    }
  },
);

test.each(["constructor", "toString", "__proto__", "image", "file", "tool-", "source", "reasoning", "refusal"])(
  "no stored value breaks a part of the type %s",
  (type) => {
    for (const field of ["text", "image_url", "source", "image", "url", "data", "file", "summary", "toolInvocation"]) {
      for (const value of STRANGE) {
        expect(user([{ type, [field]: value }])).toBeInstanceOf(Array);
      }
    }
  },
);

test("the text to copy excludes reasoning and tool calls", () => {
  const parts = assistant({ content: "# Hello", reasoning_content: "Hm.", refusal: "No.", tool_calls: [{ id: "1" }] });
  expect(textOf(parts)).toBe("# Hello\n\nNo.");
});

test.each([
  ["text", "a", [{ kind: "other", type: "", value: "a" }]],
  ["JSON", { a: 1 }, [{ kind: "other", type: "", value: { a: 1 } }]],
  ["a list that is not parts", [{ a: 1 }], [{ kind: "other", type: "", value: [{ a: 1 }] }]],
  ["nothing", [], [{ kind: "other", type: "", value: [] }]],
  ["parts", [{ type: "text", text: "a" }], [{ kind: "text", text: "a" }]],
  ["MCP parts", { content: [{ type: "text", text: "a" }] }, [{ kind: "text", text: "a" }]],
  ["an AI SDK value", { type: "json", value: { a: 1 } }, [{ kind: "other", type: "", value: { a: 1 } }]],
  ["AI SDK parts", { type: "content", value: [{ type: "text", text: "a" }] }, [{ kind: "text", text: "a" }]],
])("a tool result is understood: %s", (_, output, parts) => {
  expect(outputParts(output)).toEqual(parts);
});
