import type { Summary } from "../api/types";
import type { Labels } from "../labels/english";

export const MAX_TITLE = 200;

export function titleOf(session: Pick<Summary, "title">, { untitled }: Pick<Labels, "untitled">): string {
  return session.title ?? untitled;
}
