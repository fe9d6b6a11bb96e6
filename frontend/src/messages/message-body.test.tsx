import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { MessageBody } from "./message-body";
import { turnsOf } from "./turns";

const IMAGE = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=";

function show(...messages: object[]) {
  const turns = turnsOf(messages as never);
  return render(turns.map(({ parts }, index) => <MessageBody key={String(index)} parts={parts} />)).container;
}
const say = (content: unknown) => show({ role: "assistant", content });

test("Markdown becomes elements", () => {
  const html = say(`# One

Two **bold** _italic_ ~~gone~~ \`code\`
next line

2. first
   - inner

> quoted

---
`).innerHTML.replace(/ (class|dir)="[^"]*"/g, "");
  expect(html).toBe(
    "<div><div><h2>One</h2>" +
      "<p>Two <strong>bold</strong> <em>italic</em> <s>gone</s> <code>code</code><br>\nnext line</p>" +
      '<ol start="2"><li>first<ul><li>inner</li></ul></li></ol>' +
      "<blockquote><p>quoted</p></blockquote><hr></div></div>",
  );
});

test("a table keeps its alignment and can be scrolled with the keyboard", () => {
  say("| a | b |\n|:-:|--:|\n| 1 | 2 |");
  const table = within(screen.getByRole("region", { name: "Table" })).getByRole("table");
  expect(
    within(table)
      .getAllByRole("columnheader")
      .map(({ dataset }) => dataset.align),
  ).toEqual(["center", "right"]);
  expect(
    within(table)
      .getAllByRole("cell")
      .map(({ textContent }) => textContent),
  ).toEqual(["1", "2"]);
  expect(table.parentElement).toHaveAttribute("tabindex", "0");
});

test("tasks say whether they are done", () => {
  say("- [x] one\n- [ ] two\n- [link](https://x.test)");
  const tasks = screen
    .getAllByRole("listitem")
    .map((item) => within(item).queryByRole("img")?.getAttribute("aria-label"));
  expect(tasks).toEqual(["Done", "To do", undefined]);
  expect(screen.getAllByRole("listitem").map(({ textContent }) => textContent)).toEqual(["one", "two", "link"]);
});

test("top-level blocks detect their direction, and nested ones inherit it", () => {
  const content = say("Hello\n\n- שלום\n\n  second\n\n> مرحبا");
  const directed = [...content.querySelectorAll("[dir]")].map(({ tagName, parentElement }) => [
    tagName,
    parentElement?.tagName,
  ]);
  expect(directed).toEqual([
    ["P", "DIV"],
    ["UL", "DIV"],
    ["BLOCKQUOTE", "DIV"],
  ]);
});

test.each(["https://x.test/a?b=c#d", "http://x.test", "mailto:ann@x.test", "HTTPS://x.test"])(
  "a link to %s opens in a new tab, without a referrer",
  (url) => {
    say(`[there](${url})`);
    const link = screen.getByRole("link", { name: "there" });
    expect(link).toHaveAttribute("href", url);
    expect(link).toHaveAttribute("target", "_blank");
    expect(link).toHaveAttribute("rel", "noopener noreferrer nofollow");
  },
);

test.each(["javascript:alert(1)", "/settings", "//x.test", "#top", "data:text/html,x", "file:///etc", "tel:1", "x"])(
  "a link to %s is text",
  (url) => {
    expect(say(`[there](<${url}>)`)).toHaveTextContent(/^there$/);
    expect(screen.queryByRole("link")).not.toBeInTheDocument();
  },
);

test("bare URLs are links, file names are not", () => {
  say("See https://x.test/a. Or readme.md, x.test and ann@x.test");
  expect(screen.getAllByRole("link").map((link) => link.getAttribute("href"))).toEqual(["https://x.test/a"]);
});

test("only inline images are loaded", () => {
  say(`![mine](${IMAGE}) ![theirs](https://x.test/a.png) ![script](data:text/html,x) ![](https://x.test/b.png)`);
  expect(screen.getByRole("img", { name: "mine" })).toHaveAttribute("src", IMAGE);
  expect(document.querySelectorAll("img")).toHaveLength(1);
  expect(screen.getAllByRole("link").map(({ textContent }) => textContent)).toEqual(["theirs", "https://x.test/b.png"]);
});

test("image parts follow the same rules as images in Markdown", () => {
  say([
    { type: "image_url", image_url: { url: IMAGE } },
    { type: "image_url", image_url: { url: "https://x.test/a.png" } },
    { type: "image_url", image_url: { url: "javascript:alert(1)" } },
  ]);
  expect([...document.querySelectorAll("img")].map(({ alt }) => alt)).toEqual(["Image"]);
  expect(screen.getAllByRole("link").map((link) => link.getAttribute("href"))).toEqual(["https://x.test/a.png"]);
});

test("HTML is text", () => {
  const content = say("<b>bold</b> <script>alert(1)</script>\n\n<div onclick='x'>block</div>");
  expect(content.textContent).toBe("<b>bold</b> <script>alert(1)</script><div onclick='x'>block</div>");
});

test("code is copied verbatim", async () => {
  const user = userEvent.setup();
  say("```js title\nlet a = `<b>`;\n\n  b();\n```");
  expect(screen.getByText("js")).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Copy code" }));
  expect(await navigator.clipboard.readText()).toBe("let a = `<b>`;\n\n  b();");
});

test("the input and result of a tool call are collapsed", async () => {
  const user = userEvent.setup();
  show(
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "1", function: { name: "weather", arguments: '{"city":"Lisbon"}' } }],
    },
    { role: "tool", tool_call_id: "1", content: "sunny" },
  );
  expect(screen.queryByText(/Lisbon/)).not.toBeInTheDocument();
  await user.click(screen.getByText("Used", { exact: false }));
  expect(screen.getAllByRole("heading").map(({ textContent }) => textContent)).toEqual(["Input", "Result"]);
  expect([...document.querySelectorAll("pre")].map(({ textContent }) => textContent)).toEqual([
    '{\n  "city": "Lisbon"\n}',
    "sunny",
  ]);
});

test("a failed tool call says so", () => {
  const content = show(
    { role: "assistant", content: [{ type: "tool_use", id: "1", name: "weather", input: {} }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "1", is_error: true, content: "no" }] },
  );
  expect(content).toHaveTextContent("weather failed");
});

test("JSON that parsing would change is shown as written", async () => {
  const user = userEvent.setup();
  const written = '{"id":12345678901234567890}';
  show({ role: "tool", tool_call_id: "1", content: written });
  await user.click(screen.getByText("Result from", { exact: false }));
  expect(document.querySelector("pre")).toHaveTextContent(written);
});

test("a refusal is labelled, and reasoning is collapsed", async () => {
  const user = userEvent.setup();
  show({ role: "assistant", content: null, refusal: "No **way**.", reasoning_content: "Hm." });
  expect(screen.getByText("Declined to answer").parentElement).toHaveTextContent("Declined to answerNo way.");
  expect(screen.queryByText("Hm.")).not.toBeInTheDocument();
  await user.click(screen.getByText("Reasoning"));
  expect(screen.getByText("Hm.")).toBeInTheDocument();
});

test("a very long text is shown complete as plain text, but a large inline image does not count", () => {
  const long = "**a** ".repeat(40_000);
  expect(say(long).textContent).toBe(long);
  const image = `data:image/png;base64,${"A".repeat(300_000)}`;
  say(`![large](${image})`);
  expect(screen.getByRole("img", { name: "large" })).toHaveAttribute("src", image);
});

test.each(["> ", "- ", "[", "**a*b_"])("text after ten thousand times %j is still shown", (attack) => {
  expect(say(`${attack.repeat(10_000)}the end`)).toHaveTextContent(/the end$/);
});
