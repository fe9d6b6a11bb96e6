import type { Message } from "./client.js";

/** Roles that people see; the others are tools' results, developers' prompts and the like. */
const SHOWN = ["system", "user", "assistant"];

export function isShown({ role }: Message): boolean {
  return SHOWN.includes(role);
}

/** A message as it was sent: without what the service adds. */
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

/** The text of a message in the shape of any SDK. */
export function textOf({ content, parts }: Message): string {
  if (typeof content === "string") {
    return content;
  }
  const all = (content ?? parts ?? []) as { type?: unknown; text?: unknown }[];
  return all.flatMap(({ type, text }) => (type !== "reasoning" && typeof text === "string" ? text : [])).join("\n");
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
