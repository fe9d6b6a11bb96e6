import { callOf, contentParts, resultOf, textParts } from "./content-parts";
import { arrayOf, type Json, objectOf } from "./json";
import type { Part } from "./part";

/** The parts of a message in reading order. */
export function messageParts(all: Json): Part[] {
  const said = contentParts(arrayOf(all.parts).length > 0 ? all.parts : all.content);
  switch (all.role) {
    case "tool":
    case "function":
      return said.some(({ kind }) => kind === "result") ? said : [resultOf(all.tool_call_id, all.content, all)];
    case "reasoning":
      return said.length > 0 ? said.map(asReasoning) : contentParts([{ ...all, type: "reasoning" }]);
    default:
      return [
        ...textParts("reasoning", all.reasoning_content, all.reasoning),
        ...said,
        ...textParts("text", objectOf(all.audio).transcript),
        ...textParts("refusal", all.refusal),
        ...callsOf(all),
      ];
  }
}

/** The text to copy: text and refusals, without reasoning and tool calls. */
export function textOf(parts: readonly Part[]): string {
  return parts.flatMap((part) => (part.kind === "text" || part.kind === "refusal" ? [part.text] : [])).join("\n\n");
}

function asReasoning(part: Part): Part {
  return part.kind === "text" ? { kind: "reasoning", text: part.text } : part;
}

function callsOf({ tool_calls, function_call }: Json): Part[] {
  const calls = arrayOf(tool_calls).map((value) => {
    const call = objectOf(value);
    // LangChain has the name and the arguments in the call itself.
    const made = objectOf(call.function ?? call.custom ?? call);
    return callOf(call.id, made.name ?? call.type, made.arguments ?? made.input ?? made.args);
  });
  const { name, arguments: input } = objectOf(function_call);
  return name === undefined ? calls : [...calls, callOf(null, name, input)];
}
