import type { Message } from "./client.js";

/** The roles of messages to show; others are for tool results, developer prompts and the like. */
const SHOWN = ["system", "user", "assistant"];

export function isShown({ role }: Message): boolean {
  return SHOWN.includes(role);
}

/** A message as it was sent, without the fields that the service adds. */
export function fieldsOf({
  sequence: _,
  created_at: __,
  ...message
}: Message): Pick<Message, "id" | "role"> & Partial<Message> {
  const sent = Object.entries(message).filter(
    ([name, value]) => value !== null && !(name === "metadata" && isEmpty(value)),
  );
  return Object.fromEntries(sent) as Message;
}

/** The text of a message in the format of any SDK. */
export function textOf({ content, parts }: Message): string {
  if (typeof content === "string") {
    return content;
  }
  const all = (content ?? parts ?? []) as { type?: unknown; text?: unknown }[];
  return all.flatMap(({ type, text }) => (type !== "reasoning" && typeof text === "string" ? text : [])).join("\n");
}

/** Whether two messages are equal, regardless of the order of their keys. */
export function isSame(one: object, other: object): boolean {
  return sortedText(one) === sortedText(other);
}

function sortedText(message: object): string {
  return JSON.stringify(fieldsOf(message as Message), (_key, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
