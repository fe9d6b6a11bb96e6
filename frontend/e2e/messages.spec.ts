import { expect, test } from "./test";

const SCRIPT = "window.attacked = true";
const PAYLOADS = [
  `<script>${SCRIPT}</script>`,
  `<img src=x onerror="${SCRIPT}">`,
  `<svg onload="${SCRIPT}"><animate onbegin="${SCRIPT}" attributeName=x dur=1s>`,
  `<iframe srcdoc="<script>parent.attacked=true</script>"></iframe>`,
  `<iframe src="javascript:parent.attacked=true"></iframe>`,
  `<details open ontoggle="${SCRIPT}"><summary>x</summary></details>`,
  `<video><source onerror="${SCRIPT}"></video>`,
  `<body onload="${SCRIPT}">`,
  `<input autofocus onfocus="${SCRIPT}">`,
  `<form action="javascript:${SCRIPT}"><button>x</button></form>`,
  `<math><mtext><table><mglyph><style><img src=x onerror="${SCRIPT}">`,
  `<noscript><p title="</noscript><img src=x onerror=${SCRIPT}>">`,
  `<a href="javascript:${SCRIPT}">x</a>`,
  `<style>@import 'https://attacker.test/x.css';</style>`,
  `<link rel=stylesheet href=https://attacker.test/x.css>`,
  `<meta http-equiv=refresh content="0;url=https://attacker.test">`,
  `<base href="https://attacker.test/">`,
  `<object data="javascript:${SCRIPT}"></object><embed src="javascript:${SCRIPT}">`,
  `[x](javascript:${SCRIPT})`,
  `[x](JaVaScRiPt:${SCRIPT})`,
  `[x](java\tscript:${SCRIPT})`,
  `[x](<java\nscript:${SCRIPT}>)`,
  `[x](javascript&colon;${SCRIPT})`,
  `[x](&#106;avascript:${SCRIPT})`,
  `[x](&#x6A;avascript&#58;${SCRIPT})`,
  `[x](\u0001javascript:${SCRIPT})`,
  `[x]( javascript:${SCRIPT})`,
  `[x](vbscript:${SCRIPT})`,
  `[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)`,
  `[x](data:image/svg+xml,<svg onload="${SCRIPT}">)`,
  `[x](blob:https://attacker.test/1) [x](file:///etc/passwd) [x](filesystem:x) [x](//attacker.test) [x](/c/1) [x](#x)`,
  `[x]: javascript:${SCRIPT}\n\n[x]`,
  `<javascript:${SCRIPT}>`,
  `![x](javascript:${SCRIPT})`,
  `![x](https://attacker.test/pixel.png)`,
  `![x](data:text/html,<script>${SCRIPT}</script>)`,
  `![x](data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg' onload='${SCRIPT}'/>)`,
  `![x" onerror="${SCRIPT}](data:image/png;base64,AAAA" onerror="${SCRIPT})`,
  `[x](https://a.test "title\\" onmouseover=\\"${SCRIPT}")`,
  `[x](https://a.test/"onmouseover="${SCRIPT})`,
  `https://a.test/"onmouseover="${SCRIPT}`,
  `\`\`\`"><script>${SCRIPT}</script>\n<script>${SCRIPT}</script>\n\`\`\``,
  `\`</code><script>${SCRIPT}</script>\``,
  `| <script>${SCRIPT}</script> |\n|---|\n| <img src=x onerror=${SCRIPT}> |`,
  `- [x] <img src=x onerror=${SCRIPT}>`,
  `{{constructor.constructor('${SCRIPT}')()}} \${${SCRIPT}}`,
  `<scr\0ipt>${SCRIPT}</scr\0ipt>`.replaceAll("\0", "\ufffd"),
  `\u202e<script>${SCRIPT}</script>`,
];
const VALUES = ["javascript:window.attacked=true", `<img src=x onerror="${SCRIPT}">`, `"><script>${SCRIPT}</script>`];
/** Other fields that an attacker controls. */
const PARTS = VALUES.flatMap((value) => [
  { type: "image_url", image_url: { url: value } },
  { type: "image", source: { type: "base64", media_type: value, data: value } },
  { type: "source-url", url: value, title: value },
  { type: "file", filename: value, url: value },
  { type: "tool_use", id: value, name: value, input: { [value]: value } },
  { type: "tool_result", tool_use_id: value, content: [{ type: "text", text: value }] },
  { type: "thinking", thinking: value },
  { type: value, dangerouslySetInnerHTML: { __html: value } },
]);

test("nothing in a message can run, load a resource, or link into the page", async ({ sidebar, page, service }) => {
  const { id } = await service.create(`<script>${SCRIPT}</script>`);
  await service.append(id, [
    ...PAYLOADS.slice(0, 46).map((content) => ({ role: "assistant", content })),
    { role: "assistant", name: `<script>${SCRIPT}</script>`, content: PAYLOADS.slice(46).join("\n\n") },
    { role: "user", content: PARTS },
    { role: "assistant", content: null, refusal: `<script>${SCRIPT}</script>` },
    { role: "assistant", content: "The end." },
  ]);
  await sidebar.open(`/c/${id}`);
  await expect(sidebar.messages.getByText("The end.")).toBeVisible();
  await expect(sidebar.messages.getByRole("button", { name: "Copy code" })).toHaveCount(1);
  for (const summary of await sidebar.messages.locator("summary").all()) {
    await summary.click();
  }
  const found = await sidebar.messages.evaluate((messages) => {
    const elements = [...messages.querySelectorAll("*")];
    const attributes = elements.flatMap((element) => [...element.attributes]);
    return {
      elements: elements
        .filter((element) =>
          element.matches("script, style, link, meta, base, iframe, object, embed, form, input, video"),
        )
        .map((element) => element.outerHTML),
      attributes: attributes.filter(({ name }) => /^on|^style$|^srcdoc$|^action$/.test(name)).map(({ name }) => name),
      links: [...messages.querySelectorAll("a")]
        .filter(({ protocol, target, rel }) => {
          const isOutside = ["http:", "https:", "mailto:"].includes(protocol) && target === "_blank";
          return !isOutside || !rel.includes("noopener") || !rel.includes("noreferrer");
        })
        .map((element) => element.outerHTML),
      images: attributes
        .filter(({ name, value }) => name === "src" && !/^data:image\//.test(value))
        .map(({ value }) => value),
    };
  });
  expect(found).toEqual({ elements: [], attributes: [], links: [], images: [] });
  // The `page` fixture also fails on errors, requests to other origins, and content security policy violations.
  expect(await page.evaluate(() => "attacked" in window)).toBe(false);
});

test("the code of the chat pane loads on hover, and that of messages with the first open chat", async ({
  sidebar,
  page,
  service,
}) => {
  const { id } = await service.create("Alpha", [{ role: "assistant", content: "**bold**" }]);
  const loaded: string[] = [];
  page.on("request", (request) => loaded.push(request.url()));
  await sidebar.open();
  await expect(sidebar.row("Alpha")).toBeVisible();
  await expect(sidebar.composer).toBeVisible();
  expect(loaded.filter((url) => /message-body|chat-pane/.test(url))).toEqual([]);
  const preloaded = page.waitForResponse("**/assets/chat-pane*");
  await sidebar.row("Alpha").hover();
  await preloaded;
  expect(loaded.filter((url) => url.includes("message-body"))).toEqual([]);
  await sidebar.link("Alpha").click();
  await expect(page).toHaveURL(`/c/${id}`);
  await expect(sidebar.messages.locator("strong", { hasText: "bold" })).toBeVisible();
  expect(loaded.filter((url) => url.includes("message-body"))).toHaveLength(1);
});

test("new messages do not move the reading position, but the button and sending scroll to the end", async ({
  sidebar,
  page,
  service,
}) => {
  const { id } = await service.create("Alpha");
  const messages = Array.from({ length: 40 }, (_, index) => ({ role: "assistant", content: `*Message ${index}*` }));
  await service.append(id, messages);
  await sidebar.open(`/c/${id}`);
  const read = sidebar.messages.getByText("Message 12", { exact: true });
  await read.scrollIntoViewIfNeeded();
  const pill = page.getByRole("button", { name: "1 new message" });
  const before = await read.boundingBox();
  await service.append(id, [{ role: "assistant", content: "Something new" }]);
  await expect(pill).toBeVisible();
  expect(await read.boundingBox()).toEqual(before);
  await pill.click();
  await expect(sidebar.messages.getByText("Something new")).toBeInViewport();
  await expect(pill).toHaveCount(0);
  await expect(sidebar.messages).toBeFocused();

  await read.scrollIntoViewIfNeeded();
  await sidebar.say("My own");
  await expect(sidebar.messages.getByText("My own")).toBeInViewport();
  await expect(page.getByRole("log").getByText("My own")).toBeVisible();
});

test("the last message can be edited, and its answer regenerated", async ({ sidebar, page, service }) => {
  const { id } = await service.create("Alpha", [
    { role: "user", content: "one" },
    { role: "assistant", content: "first answer" },
    { role: "user", content: "two" },
    { role: "assistant", content: "second answer" },
  ]);
  const contents = async () => (await service.get(id)).messages.map(({ content }) => content);
  await sidebar.open(`/c/${id}`);
  await sidebar.composer.fill("draft");
  await sidebar.messages.getByText("two").hover();
  await sidebar.messages.getByRole("button", { name: "Edit message" }).click();
  const edit = page.getByRole("textbox", { name: "Edit message" });
  await expect(edit).toBeFocused();
  await edit.fill("edited");
  await page.reload();
  await expect(edit).toHaveValue("edited");
  await edit.press("Enter");
  await expect.poll(contents).toEqual(["one", "first answer", "edited"]);
  await expect(sidebar.composer).toHaveValue("draft");
  await expect(sidebar.messages.getByRole("listitem")).toHaveCount(3);

  await service.append(id, [{ role: "assistant", content: "third answer" }]);
  await sidebar.messages.getByRole("button", { name: "Regenerate" }).click();
  await expect.poll(contents).toEqual(["one", "first answer", "edited"]);
  await expect(sidebar.messages.getByText("third answer")).toHaveCount(0);
});

test.describe("when it fails", () => {
  test.use({ failuresExpected: true });

  test("a chat whose code cannot be loaded says so, and Retry loads it", async ({ sidebar, page, service }) => {
    const { id } = await service.create("Alpha", [{ role: "assistant", content: "Hello" }]);
    let fails = true;
    await page.route("**/assets/chat-pane*", (route) => (fails ? route.abort() : route.continue()));
    await sidebar.open(`/c/${id}`);
    await expect(page.getByRole("region", { name: "Chat" }).getByRole("alert")).toContainText(
      "Couldn’t load this chat",
    );
    fails = false;
    await page.getByRole("button", { name: "Retry" }).click();
    await expect(sidebar.messages.getByText("Hello")).toBeVisible();
  });

  test("messages are plain text until their code has loaded", async ({ sidebar, page, service }) => {
    const { id } = await service.create("Alpha", [{ role: "assistant", content: "**bold**" }]);
    let fails = true;
    await page.route("**/assets/message-body*", (route) => (fails ? route.abort() : route.continue()));
    await sidebar.open(`/c/${id}`);
    await expect(sidebar.messages.getByText("**bold**")).toBeVisible();
    fails = false;
    await service.append(id, [{ role: "assistant", content: "_more_" }]);
    await expect(sidebar.messages.locator("em", { hasText: "more" })).toBeVisible();
    await expect(sidebar.messages.locator("strong", { hasText: "bold" })).toBeVisible();
  });
});
