import { closedGate, expect, problem, test } from "./test";

test("the newest messages load first, and older ones on demand without a jump", async ({ sidebar, page, service }) => {
  const { id } = await service.create("Long talk");
  for (const part of [0, 1]) {
    const messages = Array.from({ length: 60 }, (_, index) => ({
      role: index % 2 ? ("assistant" as const) : ("user" as const),
      content: `Message ${part * 60 + index}`,
    }));
    await service.append(id, messages);
  }
  await sidebar.open(`/c/${id}`);
  const pane = page.getByRole("region", { name: "Messages" });
  await expect(pane.getByText("Message 119")).toBeInViewport();
  await expect(pane.getByRole("listitem")).toHaveCount(50);

  const older = pane.getByRole("button", { name: "Load older messages" });
  await older.scrollIntoViewIfNeeded();
  await older.click();
  await expect(pane.getByRole("listitem")).toHaveCount(100);
  await expect(pane.getByText("Message 70", { exact: true })).toBeInViewport();
  await older.click();
  await expect(pane.getByRole("listitem")).toHaveCount(120);
  await expect(older).toHaveCount(0);
});

test("Enter sends a message, and Shift+Enter breaks the line", async ({ sidebar, page, service }) => {
  const { id } = await service.create("Talk");
  await sidebar.open(`/c/${id}`);
  const field = page.getByRole("textbox", { name: "Message" });
  await field.focus();
  await page.keyboard.type("one");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("two");
  await page.keyboard.press("Enter");
  await expect(field).toHaveValue("");
  await expect(page.getByRole("region", { name: "Messages" })).toContainText("one\ntwo");
  await expect
    .poll(async () => (await service.get(id)).messages.map((message) => message.content))
    .toEqual(["one\ntwo"]);
});

test("an empty chat focuses its message field unless the user has moved the focus meanwhile", async ({
  sidebar,
  page,
  service,
}) => {
  const [alpha, beta] = await service.createAll(["Alpha", "Beta"]);
  await sidebar.open();
  const field = page.getByRole("textbox", { name: "Message" });
  await sidebar.link("Alpha").click();
  await expect(page).toHaveURL(`/c/${alpha?.id}`);
  await expect(field).toBeFocused();

  const gate = closedGate();
  await page.route(`**/api/chat/sessions/${beta?.id}*`, async (route) => {
    await gate.opened;
    await route.continue();
  });
  await sidebar.link("Beta").click();
  await expect(field).toBeHidden();
  await sidebar.searchFor("Bet");
  gate.open();
  await expect(field).toBeVisible();
  await expect(sidebar.search).toBeFocused();
});

test("without an open chat the first message creates one", async ({ sidebar, page, service }) => {
  await sidebar.open();
  await page.getByRole("textbox", { name: "Message" }).fill("How do bees find home?");
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page).toHaveURL(/\/c\//);
  await expect(page).toHaveTitle("How do bees find home? · Chats");
  await sidebar.expectTitles(["How do bees find home?"]);
  expect((await service.list()).total).toBe(1);
});

test("the URL opens the chat, and back and forward work", async ({ sidebar, page, service }) => {
  const [alpha] = await service.createAll(["Alpha", "Beta"]);
  await sidebar.open(`/c/${alpha?.id}`);
  await expect(page.getByRole("heading", { level: 1, name: "Alpha" })).toBeVisible();
  await sidebar.link("Beta").click();
  await expect(page.getByRole("heading", { level: 1, name: "Beta" })).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("heading", { level: 1, name: "Alpha" })).toBeVisible();
  await page.goForward();
  await expect(sidebar.link("Beta")).toHaveAttribute("aria-current", "page");
});

test.describe("when it fails", () => {
  test.use({ failuresExpected: true });

  test("the URL of an unknown chat shows that it was not found", async ({ sidebar, page }) => {
    await sidebar.open("/c/00000000-0000-4000-8000-000000000000");
    await expect(page.getByRole("alert")).toContainText("Chat not found");
    await page.getByRole("button", { name: "Start a new chat" }).click();
    await expect(page).toHaveURL("/");
  });

  test("a chat that cannot be loaded has a Retry", async ({ sidebar, page, service }) => {
    const { id } = await service.create("Alpha");
    let fails = true;
    await page.route(`**/api/chat/sessions/${id}?*`, (route) => {
      return fails ? route.fulfill(problem(503, "database-unavailable")) : route.continue();
    });
    await sidebar.open(`/c/${id}`);
    await expect(page.getByRole("alert")).toContainText("Couldn’t load this chat");
    fails = false;
    await page.getByRole("button", { name: "Retry" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Alpha" })).toBeVisible();
  });

  test("Retry after a lost response stores the message once", async ({ sidebar, page, service }) => {
    const { id } = await service.create("Alpha");
    // The feed would show the message as stored before the click on Retry.
    await page.route("**/events", (route) => route.abort());
    await sidebar.open(`/c/${id}`);
    let fails = true;
    await page.route("**/messages", async (route) => {
      if (!fails) {
        return route.continue();
      }
      fails = false;
      // The message is stored, but the response is lost.
      await route.fetch();
      return route.abort();
    });
    await page.getByRole("textbox", { name: "Message" }).fill("Hello?");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").filter({ hasText: "Not sent." }).getByRole("button", { name: "Retry" }).click();
    await expect(page.getByText("Not sent.")).toHaveCount(0);
    await expect(page.getByRole("region", { name: "Messages" }).getByText("Hello?")).toHaveCount(1);
    expect((await service.get(id)).messages).toHaveLength(1);
  });
});
