import MarkdownIt, { type Token } from "markdown-it";

export type { Token };

// HTML stays text, and file names such as readme.md are not links.
const parser = new MarkdownIt({ html: false, linkify: true, maxNesting: 100 });
parser.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
// Links are checked when they are rendered.
parser.validateLink = () => true;
parser.core.ruler.push("tasks", ({ tokens }) => tokens.forEach(markTask));

const TASK = /^\[([ xX])\]\s+/;

/** Marks list items such as "- [x] Buy milk". */
function markTask(token: Token, index: number, tokens: Token[]): void {
  const item = tokens[index - 2];
  const first = token.children?.[0];
  const box = TASK.exec(token.content);
  if (box && first?.type === "text" && item?.type === "list_item_open") {
    item.meta = { isDone: box[1] !== " " };
    first.content = first.content.replace(TASK, "");
  }
}

const MAX_LEVELS = 90;

/** Null if the text is nested so deeply that the parser would drop parts of it. */
export function tokensOf(text: string): Token[] | null {
  const tokens = parser.parse(text, {});
  return tokens.some(({ level }) => level > MAX_LEVELS) ? null : tokens;
}
