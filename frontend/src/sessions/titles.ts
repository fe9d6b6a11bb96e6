import type { Summary } from "../api/types";
import type { Labels } from "../labels/english";

export const MAX_TITLE = 200;

export function titleOf(session: Pick<Summary, "title">, { untitled }: Pick<Labels, "untitled">): string {
  return session.title ?? untitled;
}

/** A title for a chat that has none, from its first message. */
export function titleFrom(text: string): string {
  const line = text.trim().replace(/\s+/g, " ");
  return line.length <= 60 ? line : `${line.slice(0, 60).replace(/\s\S*$/, "")}…`;
}
