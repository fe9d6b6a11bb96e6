import { contentParts } from "./content-parts";
import { objectOf } from "./json";
import type { Part } from "./part";

/** The parts of a tool result, if it has any; otherwise the whole value. */
export function outputParts(output: unknown): Part[] {
  const { type, value, content } = objectOf(output);
  if (typeof type === "string" && value !== undefined) {
    // The AI SDK wraps values with their type.
    return outputParts(value);
  }
  const parts = Array.isArray(content) ? content : output;
  const isParts = Array.isArray(parts) && parts.length > 0 && parts.every((part) => objectOf(part).type !== undefined);
  return isParts ? contentParts(parts) : [{ kind: "other", type: "", value: output }];
}
