import type { Page } from "@playwright/test";
import { closedGate, expect, problem, test } from "./test";

/** Makes requests with this method fail until `stop` is called. */
async function failing(page: Page, url: string, method: string): Promise<{ stop: () => void }> {
  let fails = true;
  await page.route(url, (route) => {
    const shouldFail = fails && route.request().method() === method;
    return shouldFail ? route.fulfill(problem(503, "database-unavailable")) : route.fallback();
  });
  return {
    stop: () => {
      fails = false;
    },
  };
}

const SESSIONS = "**/api/chat/sessions";
const MESSAGES = "**/messages";

test.describe("a draft", () => {
  test("belongs to its chat across switches and a reload", async ({ sidebar, page, service }) => {
    await service.createAll(["Alpha", "Beta"]);
    await sidebar.open();
    await sidebar.composer.fill("for a new chat");
    await sidebar.link("Alpha").click();
    await expect(sidebar.composer).toHaveValue("");
    await sidebar.composer.fill("for Alpha");
    await sidebar.link("Beta").click();
    await expect(sidebar.composer).toHaveValue("");
    await page.reload();
    await sidebar.link("Alpha").click();
    await expect(sidebar.composer).toHaveValue("for Alpha");
    await sidebar.newChat.click();
    await expect(sidebar.composer).toHaveValue("for a new chat");
  });

  test("is deleted with its chat", async ({ sidebar, page, service, user }) => {
    const { id } = await service.create("Alpha");
    await sidebar.open(`/c/${id}`);
    await sidebar.composer.fill("a secret");
    await sidebar.delete("Alpha");
    await expect(page).toHaveURL("/");
    const stored = await page.evaluate((key) => sessionStorage.getItem(key), `chat-sessions:typed:${user}`);
    expect(stored).not.toContain("a secret");
  });
});

test.describe("a new chat", () => {
  test("is created with its first message", async ({ sidebar, page, service }) => {
    await service.createAll(["Alpha", "Beta"]);
    await sidebar.open();
    await sidebar.link("Alpha").click();
    for (let click = 0; click < 5; click++) {
      await sidebar.newChat.click();
    }
    await expect(page).toHaveURL("/");
    await expect(sidebar.composer).toBeFocused();
    expect((await service.list()).total).toBe(2);

    await page.keyboard.type("Where does the sun set first?");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/\/c\//);
    await expect(sidebar.messages).toContainText("Where does the sun set first?");
    await sidebar.expectTitles(["Where does the sun set first?", "Alpha", "Beta"]);
    await sidebar.newChat.click();
    await expect(sidebar.composer).toHaveValue("");
    expect((await service.list()).total).toBe(3);
  });

  test("that is created slowly does not close the chat that the user has opened meanwhile", async ({
    sidebar,
    page,
    service,
  }) => {
    const [alpha] = await service.createAll(["Alpha"]);
    await sidebar.open();
    const gate = closedGate();
    await page.route(SESSIONS, async (route) => {
      await gate.opened;
      return route.continue();
    });
    await sidebar.say("Slow");
    await expect(sidebar.composer).toHaveValue("Slow");
    await expect(sidebar.composer).not.toBeEditable();
    await sidebar.link("Alpha").click();
    gate.open();
    await sidebar.expectTitles(["Slow", "Alpha"]);
    await expect(page).toHaveURL(`/c/${alpha?.id}`);
    await sidebar.newChat.click();
    await expect(sidebar.composer).toHaveValue("");
  });

  for (const [message, title] of [
    [`${"x".repeat(59)}😀😀`, `${"x".repeat(59)}😀…`],
    ["👩🏽‍🚀".repeat(61), null],
    ["\u200b\u200b", "New chat"],
  ] as const) {
    test(`is created for any message, such as ${JSON.stringify(message.slice(-8))}`, async ({
      sidebar,
      page,
      service,
    }) => {
      await sidebar.open();
      await sidebar.say(message);
      await expect(page).toHaveURL(/\/c\//);
      const created = (await service.list()).sessions[0];
      expect((await service.get(created?.id ?? "")).messages[0]?.content).toBe(message);
      await expect(sidebar.rows).toHaveText(title ?? /^(👩🏽‍🚀)+…$/u);
    });
  }
});

test.describe("the URL", () => {
  test("of a chat deleted here says so, and Back skips the chat that was open when deleted", async ({
    sidebar,
    page,
    service,
  }) => {
    const [alpha, beta] = await service.createAll(["Alpha", "Beta"]);
    await sidebar.open(`/c/${alpha?.id}`);
    await sidebar.link("Beta").click();
    await expect(page).toHaveURL(`/c/${beta?.id}`);
    await sidebar.delete("Beta");
    await expect(page).toHaveURL("/");
    await sidebar.delete("Alpha");
    await expect(sidebar.root.getByText("No chats yet")).toBeVisible();
    await page.goBack();
    await expect(page).toHaveURL(`/c/${alpha?.id}`);
    await expect(page.getByRole("alert")).toContainText("You deleted it.");
  });
});

test.describe("when it fails", () => {
  test.use({ failuresExpected: true });

  test("the draft of a chat deleted elsewhere can be copied, even after a reload", async ({
    sidebar,
    page,
    service,
  }) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const { id } = await service.create("Alpha");
    await sidebar.openLive(`/c/${id}`);
    await sidebar.composer.fill("hours of work");
    await service.delete(id);
    const gone = page.getByRole("alert").filter({ hasText: "This chat was deleted" });
    await gone.getByRole("button", { name: "Copy draft" }).click();
    await expect(gone.getByRole("status")).toHaveText("Copied");
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe("hours of work");

    await page.reload();
    await expect(page.getByRole("textbox", { name: "Your draft" })).toHaveValue("hours of work");
  });

  test("a first message whose response is lost stays in the field across a reload, and creates one chat", async ({
    sidebar,
    page,
    service,
  }) => {
    await sidebar.open();
    let fails = true;
    await page.route(SESSIONS, async (route) => {
      if (route.request().method() === "POST" && fails) {
        fails = false;
        // The chat is created, but the response is lost.
        await route.fetch();
        return route.abort();
      }
      return route.fallback();
    });
    await page.route("**/events", (route) => route.abort());
    await sidebar.say("What is rain made of?");
    await expect(sidebar.toasts).toContainText("Couldn’t start the chat");
    await expect(sidebar.composer).toHaveValue("What is rain made of?");
    await page.reload();
    await expect(sidebar.composer).toHaveValue("What is rain made of?");
    await sidebar.composer.press("Enter");
    await expect(page).toHaveURL(/\/c\//);
    await expect(sidebar.messages.getByText("What is rain made of?")).toHaveCount(1);
    expect((await service.list()).total).toBe(1);
  });

  test("unsent messages are kept until each one is sent", async ({ sidebar, page, service }) => {
    const { id } = await service.create("Alpha");
    await sidebar.open(`/c/${id}`);
    const failure = await failing(page, MESSAGES, "POST");
    await sidebar.say("one");
    await expect(sidebar.messages.getByText("Not sent.")).toHaveCount(1);
    await sidebar.say("two");
    await expect(sidebar.messages.getByText("Not sent.")).toHaveCount(2);
    await page.reload();
    await expect(sidebar.messages.getByRole("listitem")).toContainText(["one", "two"]);
    failure.stop();
    await sidebar.messages.getByRole("button", { name: "Retry" }).first().click();
    await expect(sidebar.messages.getByText("Not sent.")).toHaveCount(1);
    await sidebar.messages.getByRole("button", { name: "Retry" }).click();
    await expect(sidebar.messages.getByText("Not sent.")).toHaveCount(0);
    const contents = async () => (await service.get(id)).messages.map(({ content }) => content);
    await expect.poll(contents).toEqual(["one", "two"]);
  });

  test("editing an unsent message puts it into the field, before what was typed since", async ({
    sidebar,
    page,
    service,
  }) => {
    const { id } = await service.create("Alpha");
    await sidebar.open(`/c/${id}`);
    await failing(page, MESSAGES, "POST");
    await sidebar.say("one");
    await sidebar.composer.fill("two");
    await sidebar.messages.getByRole("button", { name: "Edit" }).click();
    await expect(sidebar.composer).toHaveValue("one\n\ntwo");
    await expect(sidebar.composer).toBeFocused();
    await expect(sidebar.messages.getByRole("listitem")).toHaveCount(0);
  });

  test("if a message to a chat that is no longer open fails, a toast says so and Retry sends it", async ({
    sidebar,
    page,
    service,
  }) => {
    const [alpha] = await service.createAll(["Alpha", "Beta"]);
    await sidebar.open(`/c/${alpha?.id}`);
    const gate = closedGate();
    let fails = true;
    await page.route(MESSAGES, async (route) => {
      await gate.opened;
      return fails ? route.fulfill(problem(503, "database-unavailable")) : route.continue();
    });
    await sidebar.say("Hello?");
    await sidebar.link("Beta").click();
    await expect(page.getByRole("heading", { level: 1, name: "Beta" })).toBeVisible();
    gate.open();
    await expect(sidebar.toasts).toContainText("Couldn’t send your message");
    fails = false;
    await sidebar.toasts.getByRole("button", { name: "Retry" }).click();
    await expect.poll(async () => (await service.get(alpha?.id ?? "")).messages.length).toBe(1);
    await sidebar.link("Alpha").click();
    await expect(sidebar.messages.getByText("Hello?")).toHaveCount(1);
    await expect(sidebar.messages.getByText("Not sent.")).toHaveCount(0);
  });

  test("a badly encoded URL shows that the chat was not found", async ({ sidebar, page }) => {
    await sidebar.open("/c/%E0%A4%A");
    await expect(page.getByRole("alert")).toContainText("Chat not found");
  });
});
