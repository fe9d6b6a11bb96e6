import { graphemesOf } from "../text/graphemes";
import { storable } from "../text/storable";
import { MAX_TITLE } from "./titles";

const MAX_GRAPHEMES = 60;
const ELLIPSIS = "…";
const VISIBLE = /[^\p{Z}\p{C}\p{M}]/u;

/** A title for an untitled chat, from its first message; null if that has no visible characters. */
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
  // Segmenting a long message just for its first words would be slow.
  for (const grapheme of graphemesOf(line.slice(0, 20 * MAX_TITLE)).slice(0, MAX_GRAPHEMES)) {
    if (start.length + grapheme.length > MAX_TITLE - ELLIPSIS.length) {
      break;
    }
    start += grapheme;
  }
  return start;
}
