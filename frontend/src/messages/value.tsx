import { CodeBlock } from "./code-block";

/** The input or result of a tool. */
export function Value({ value }: { value: unknown }) {
  return typeof value === "string" ? (
    <CodeBlock code={indented(value) ?? value} />
  ) : (
    <CodeBlock code={JSON.stringify(value, null, 2)} />
  );
}

/** Indented JSON, or null if parsing would change it, as it does with large numbers. */
function indented(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null;
    return isObject && withoutSpace(JSON.stringify(value)) === withoutSpace(text)
      ? JSON.stringify(value, null, 2)
      : null;
  } catch {
    return null;
  }
}

function withoutSpace(text: string): string {
  return text.replace(/\s+/g, "");
}
