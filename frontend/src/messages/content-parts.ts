import { arrayOf, type Json, objectOf, stringOf } from "./json";
import type { CallPart, Part, ResultPart } from "./part";

/** The parts of a message's content: a string, or an array in the format of OpenAI, Anthropic or the AI SDK. */
export function contentParts(content: unknown): Part[] {
  if (typeof content === "string") {
    return textParts("text", content);
  }
  if (content === null || content === undefined) {
    return [];
  }
  return Array.isArray(content) ? content.flatMap(partsOf) : [other("content", content)];
}

export function textParts(kind: "text" | "refusal" | "reasoning", ...texts: unknown[]): Part[] {
  const text = stringOf(...texts);
  return text === null || text.trim() === "" ? [] : [{ kind, text }];
}

export function callOf(id: unknown, name: unknown, input: unknown): CallPart {
  return { kind: "call", id: stringOf(id), name: stringOf(name) ?? "", input, result: null };
}

export function resultOf(callId: unknown, output: unknown, { name, isError }: Json = {}): ResultPart {
  return { kind: "result", callId: stringOf(callId), name: stringOf(name), output, isError: isError === true };
}

function other(type: string, value: unknown): Part {
  return { kind: "other", type, value };
}

function partsOf(value: unknown): Part[] {
  if (typeof value === "string") {
    return textParts("text", value);
  }
  const part = objectOf(value);
  const type = stringOf(part.type) ?? "";
  const read = READERS.get(type) ?? READERS_BY_ENDING.find(([ending]) => ending.test(type))?.[1];
  return read?.(part) ?? [other(type, value)];
}

type Reader = (part: Json) => Part[] | null;

const textual: Reader = (part) => textParts("text", part.text);
const thought: Reader = (part) => textParts("reasoning", part.thinking, part.text, part.reasoning, ...summaryOf(part));
const call: Reader = (part) => [callOf(part.id ?? part.toolCallId, part.name ?? part.toolName, inputOf(part))];
const nothing: Reader = () => [];

const READERS = new Map<string, Reader>(
  Object.entries({
    text: textual,
    input_text: textual,
    output_text: textual,
    summary_text: textual,
    refusal: (part) => textParts("refusal", part.refusal),
    thinking: thought,
    reasoning: thought,
    redacted_thinking: nothing,
    "step-start": nothing,
    image_url: imageOf,
    input_image: imageOf,
    image: imageOf,
    file: fileOf,
    input_file: fileOf,
    document: fileOf,
    "source-url": fileOf,
    "source-document": fileOf,
    source: (part) => fileOf(objectOf(part.source)),
    tool_use: call,
    server_tool_use: call,
    mcp_tool_use: call,
    "tool-call": call,
    "tool-result": (part) => [resultOf(part.toolCallId, part.output ?? part.result, { name: part.toolName, ...part })],
    "tool-invocation": ({ toolInvocation }) => toolOf(objectOf(toolInvocation)),
    "dynamic-tool": toolOf,
  }),
);

const READERS_BY_ENDING: [RegExp, Reader][] = [
  [/^tool-/, toolOf],
  [/_?tool_result$/, (part) => [resultOf(part.tool_use_id, part.content, { isError: part.is_error })]],
];

function inputOf(part: Json): unknown {
  return part.input ?? part.args;
}

function summaryOf(part: Json): unknown[] {
  const texts = arrayOf(part.summary).map((line) => stringOf(line, objectOf(line).text) ?? "");
  return [texts.join("\n\n")];
}

/** The AI SDK keeps a call and its result in one part. */
function toolOf(part: Json): Part[] {
  const { toolCallId, errorText } = part;
  const name = stringOf(part.toolName) ?? (stringOf(part.type) ?? "").replace(/^tool-/, "");
  const made = callOf(toolCallId, name, inputOf(part));
  const output = errorText ?? part.output ?? part.result;
  return output === undefined
    ? [made]
    : [made, resultOf(toolCallId, output, { name, isError: errorText !== undefined })];
}

function imageOf(part: Json): Part[] | null {
  const { image_url, source, image } = part;
  const url =
    stringOf(image_url, objectOf(image_url).url) ??
    urlOf({ media_type: "image/png", ...objectOf(source) }) ??
    urlOf({ media_type: "image/png", ...part, data: image });
  return url === null ? null : [{ kind: "image", url, name: nameOf(part) }];
}

function fileOf(part: Json): Part[] | null {
  const file = objectOf(part.file);
  const name = nameOf(part) ?? nameOf(file);
  const url = urlOf(part) ?? urlOf(objectOf(part.source));
  if (url === null) {
    return [{ kind: "file", name }];
  }
  if (isImage(url) || mediaTypeOf(part).startsWith("image/")) {
    return [{ kind: "image", url, name }];
  }
  return url.startsWith("data:") ? [{ kind: "file", name }] : [{ kind: "link", url, name }];
}

function nameOf(part: Json): string | null {
  return stringOf(part.filename, part.title, part.alt, part.name);
}

/** The URL, or a `data:` URL for bare base64. */
function urlOf(part: Json): string | null {
  const data = stringOf(part.url, part.data);
  return data === null || /^[a-z]+:/i.test(data) ? data : `data:${mediaTypeOf(part)};base64,${data}`;
}

function mediaTypeOf(part: Json): string {
  return stringOf(part.media_type, part.mediaType, part.mimeType) ?? "";
}

function isImage(url: string): boolean {
  return url.startsWith("data:image/");
}
