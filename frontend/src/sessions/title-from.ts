import { graphemesOf } from "../text/graphemes";
import { storable } from "../text/storable";
import { MAX_TITLE } from "./titles";

const MOST_GRAPHEMES = 60;
const ELLIPSIS = "…";
const VISIBLE = /[^\p{Z}\p{C}\p{M}]/u;

/** A title for a chat that has none, from its first message; null if nothing of it can be seen. */
export function titleFrom(message: string): string | null {
  const line = storable(message).replace(/\s+/g, " ").trim();
  const start = startOf(line);
  if (!VISIBLE.test(start)) {
    return null;
  }
  return start === line ? line : start.replace(/\s\S*$/, "") + ELLIPSIS;
}

function startOf(line: string): string {
  let start = "";
  // A page of text is not taken apart for its first words.
  for (const grapheme of graphemesOf(line.slice(0, 20 * MAX_TITLE)).slice(0, MOST_GRAPHEMES)) {
    if (start.length + grapheme.length > MAX_TITLE - ELLIPSIS.length) {
      break;
    }
    start += grapheme;
  }
  return start;
}
