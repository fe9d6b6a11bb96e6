import type { Message } from "../api/types";
import { messageParts } from "./message-parts";
import type { CallPart, Part, ResultPart } from "./part";

export interface Turn {
  message: Message;
  parts: readonly Part[];
}

/** Moves tool results into their calls, and drops messages that held nothing else. */
export function turnsOf(messages: readonly Message[]): Turn[] {
  // Some models reuse ids, so a result belongs to the latest open call.
  const open = new Map<string, CallPart>();
  return messages.flatMap((message) => {
    const all = messageParts(message);
    const parts = all.filter((part) => {
      if (part.kind === "call") {
        open.set(keyOf(part.id, part.name), part);
      }
      return part.kind !== "result" || !attachResult(part, open);
    });
    return parts.length === 0 && all.length > 0 ? [] : [{ message, parts }];
  });
}

/** Moves a result into its call. False if there is no such call. */
function attachResult(result: ResultPart, open: Map<string, CallPart>): boolean {
  const key = keyOf(result.callId, result.name ?? "");
  const call = open.get(key);
  if (call) {
    call.result = result;
    open.delete(key);
  }
  return call !== undefined;
}

function keyOf(id: string | null, name: string): string {
  return JSON.stringify(id === null ? { name } : { id });
}

/** Anthropic sends tool results as user messages. */
export function isToolResult({ parts }: Turn): boolean {
  return parts.length > 0 && parts.every(({ kind }) => kind === "result");
}
