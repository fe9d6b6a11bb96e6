const MARKS = /\p{M}/gu;

/** The text as the search sees it, regardless of case and accents, and where each of its characters comes from. */
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

/** Where the search is in the text, or null. */
export function findFolded(text: string, search: string): { start: number; end: number } | null {
  const wanted = fold(search).folded;
  const { folded, origins } = fold(text);
  const at = wanted === "" ? -1 : folded.indexOf(wanted);
  if (at < 0) {
    return null;
  }
  // A letter that becomes several, as "ﬁ" does, is marked whole; so are the accents that follow the last one.
  const start = origins[at] ?? 0;
  const last = origins[at + wanted.length - 1] ?? start;
  const end = origins.slice(at + wanted.length).find((origin) => origin > last) ?? text.length;
  return { start, end };
}

const BEFORE = 16;

/** A text of one line that has what was found near its beginning, where it is seen. */
export function aroundFound(text: string, search: string): string {
  const { start } = findFolded(text, search) ?? { start: 0 };
  if (start <= 2 * BEFORE) {
    return text;
  }
  const space = text.indexOf(" ", start - BEFORE);
  return `…${text.slice(space >= 0 && space < start ? space + 1 : start)}`;
}
