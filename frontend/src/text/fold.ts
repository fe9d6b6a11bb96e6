const MARKS = /\p{M}/gu;

/** The text without case and accents, as the search compares it, and the origin of each of its characters. */
function fold(text: string): { folded: string; origins: number[] } {
  const origins: number[] = [];
  let folded = "";
  let origin = 0;
  for (const character of text) {
    const part = character.normalize("NFKD").replace(MARKS, "").toLowerCase().replace(MARKS, "");
    folded += part;
    origins.push(...Array<number>(part.length).fill(origin));
    origin += character.length;
  }
  return { folded, origins: [...origins, text.length] };
}

/** The first match of the search in the text, or null. */
export function findFolded(text: string, search: string): { start: number; end: number } | null {
  const wanted = fold(search).folded;
  if (wanted === "") {
    return null;
  }
  const { folded, origins } = fold(text);
  const at = folded.indexOf(wanted);
  if (at < 0) {
    return null;
  }
  // Mark ligatures such as "ﬁ" whole, and the accents that follow the last letter.
  const start = origins[at] ?? 0;
  const last = origins[at + wanted.length - 1] ?? start;
  const end = origins.slice(at + wanted.length).find((origin) => origin > last) ?? text.length;
  return { start, end };
}

const BEFORE = 16;

/** Shortens a text so that the match is near its beginning, where one line shows it. */
export function aroundFound(text: string, search: string): string {
  const { start } = findFolded(text, search) ?? { start: 0 };
  if (start <= 2 * BEFORE) {
    return text;
  }
  const space = text.indexOf(" ", start - BEFORE);
  return `…${text.slice(space >= 0 && space < start ? space + 1 : start)}`;
}
