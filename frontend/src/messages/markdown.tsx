import { createElement, Fragment, memo, type ReactNode, useMemo } from "react";
import { useLabels } from "../labels/context";
import { CodeBlock } from "./code-block";
import { Figure, OutsideLink } from "./links";
import styles from "./markdown.module.css";
import { type Token, tokensOf } from "./markdown-tokens";

// Parsing more would block the page for too long. Base64 parses quickly, so it does not count.
const MAX_CHARACTERS = 200_000;
const DATA = /[\w+/=-]{1000,}/g;

/** Builds React elements and never HTML, so nothing in a message can run. Falls back to plain text. */
export const Markdown = memo(function Markdown({ text }: { text: string }) {
  const content = useMemo(() => contentOf(text), [text]);
  return content ? (
    <div className={styles.markdown}>{content}</div>
  ) : (
    <div className={styles.plain} dir="auto">
      {text}
    </div>
  );
});

function contentOf(text: string): ReactNode[] | null {
  const tokens = isTooLong(text) ? null : tokensOf(text);
  return tokens && rendered(tokens);
}

function isTooLong(text: string): boolean {
  return text.length > MAX_CHARACTERS && text.replace(DATA, "").length > MAX_CHARACTERS;
}

interface Open {
  token: Token | null;
  children: ReactNode[];
}

/** Turns the flat list of opening and closing tokens into a tree. */
function rendered(tokens: readonly Token[]): ReactNode[] {
  const root: Open = { token: null, children: [] };
  const open = [root];
  tokens.forEach((token, place) => {
    const inner = open.at(-1) ?? root;
    if (token.nesting === 1) {
      open.push({ token, children: [] });
    } else if (token.nesting === 0) {
      inner.children.push(createElement(Fragment, { key: place }, leaf(token)));
    } else if (inner.token) {
      open.pop();
      const outer = open.at(-1) ?? root;
      outer.children.push(createElement(Fragment, { key: place }, branch(inner.token, inner.children, outer === root)));
    }
  });
  return root.children;
}

function leaf(token: Token): ReactNode {
  switch (token.type) {
    case "inline":
      return rendered(token.children ?? []);
    case "softbreak":
    case "hardbreak":
      return [<br key="break" />, "\n"];
    case "hr":
      return <hr />;
    case "code_inline":
      return <code dir="ltr">{token.content}</code>;
    case "fence":
    case "code_block":
      return <CodeBlock code={token.content.replace(/\n$/, "")} language={/^\S+/.exec(token.info)?.[0]} />;
    case "image":
      return <Figure url={attribute(token, "src")} name={token.content} />;
    default:
      return token.content;
  }
}

// h1 is the chat's title.
const HEADINGS: Record<string, string | undefined> = { h1: "h2", h2: "h3", h3: "h4", h4: "h5", h5: "h6" };
const WITH_DIRECTION = new Set(["p", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"]);

/** Top-level blocks detect their direction, and nested ones inherit it: `dir=auto` ignores children with a `dir`. */
function branch(token: Token, children: ReactNode[], isFirstLevel: boolean): ReactNode {
  const { type, tag, hidden, meta } = token;
  if (hidden) {
    return children;
  }
  switch (type) {
    case "link_open":
      return <OutsideLink url={attribute(token, "href")}>{children}</OutsideLink>;
    case "table_open":
      return <Table>{children}</Table>;
    case "td_open":
    case "th_open":
      return createElement(tag, { dir: "auto", "data-align": alignOf(token) }, children);
    case "list_item_open":
      return meta ? <Task isDone={meta.isDone === true}>{children}</Task> : <li>{children}</li>;
    default: {
      const start = tag === "ol" ? Number(attribute(token, "start") || 1) : undefined;
      const dir = isFirstLevel && WITH_DIRECTION.has(tag) ? "auto" : undefined;
      return createElement(HEADINGS[tag] ?? tag, { dir, start }, children);
    }
  }
}

function attribute(token: Token, name: string): string {
  return String(token.attrGet(name) ?? "");
}

function alignOf(token: Token): string | undefined {
  return /^text-align:(\w+)$/.exec(attribute(token, "style"))?.[1];
}

function Table({ children }: { children: ReactNode }) {
  const labels = useLabels();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className={styles.table} tabIndex={0} aria-label={labels.table}>
      <table>{children}</table>
    </section>
  );
}

function Task({ isDone, children }: { isDone: boolean; children: ReactNode }) {
  const labels = useLabels();
  return (
    <li className={styles.task}>
      <span role="img" aria-label={isDone ? labels.taskDone : labels.taskOpen} data-done={isDone || undefined} />
      {children}
    </li>
  );
}
