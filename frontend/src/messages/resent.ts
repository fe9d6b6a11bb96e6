import type { Message, NewMessage } from "../api/types";
import { sendable } from "../text/storable";
import { arrayOf, type Json, objectOf } from "./json";
import { messageParts, textOf } from "./message-parts";

/** A copy of the message with another text. Images, files and all other fields are kept. */
export function resent(original: Message, text: string): NewMessage {
  const { id: _id, sequence: _sequence, created_at: _createdAt, ...fields } = original;
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as NewMessage;
  if (sendable(textOf(messageParts(original))) === sendable(text)) {
    return given;
  }
  const parts = arrayOf(original.parts);
  return {
    ...given,
    content: Array.isArray(original.content) ? withText(original.content, text) : text,
    ...(parts.length > 0 && { parts: withText(parts, text) }),
  };
}

/** Replaces the first text part, and drops the others. */
function withText(parts: readonly unknown[], text: string): Record<string, unknown>[] {
  const all = parts.map(objectOf);
  const first = all.find(isText);
  const changed = { type: "text", ...first, text };
  const kept = all.filter((part) => part === first || !isText(part));
  return first ? kept.map((part) => (part === first ? changed : part)) : [changed, ...kept];
}

function isText({ type, text }: Json): boolean {
  return typeof text === "string" && /^(input_)?text$/.test(String(type));
}
