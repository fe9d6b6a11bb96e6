import type { Page } from "@playwright/test";
import { closedGate, expect, problem, test } from "./test";

/** Lets requests of this method fail until it is told to stop. */
async function failing(page: Page, url: string, method: string): Promise<{ stop: () => void }> {
  let fails = true;
  await page.route(url, (route) => {
    const isMeant = fails && route.request().method() === method;
    return isMeant ? route.fulfill(problem(503, "database-unavailable")) : route.fallback();
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
  test("belongs to its chat, through switches and a reload", async ({ sidebar, page, service }) => {
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

  test("of a chat that the user deletes goes with it", async ({ sidebar, page, service, user }) => {
    const { id } = await service.create("Alpha");
    await sidebar.open(`/c/${id}`);
    await sidebar.composer.fill("a secret");
    await sidebar.delete("Alpha");
    await expect(page).toHaveURL("/");
    const kept = await page.evaluate((key) => sessionStorage.getItem(key), `chat-sessions:typed:${user}`);
    expect(kept).not.toContain("a secret");
  });
});

test.describe("a new chat", () => {
  test("exists from its first message on", async ({ sidebar, page, service }) => {
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

  test("that takes long to be made does not lead away from where the user has gone", async ({
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
    test(`is made of every message, such as ${JSON.stringify(message.slice(-8))}`, async ({
      sidebar,
      page,
      service,
    }) => {
      await sidebar.open();
      await sidebar.say(message);
      await expect(page).toHaveURL(/\/c\//);
      const made = (await service.list()).sessions[0];
      expect((await service.get(made?.id ?? "")).messages[0]?.content).toBe(message);
      await expect(sidebar.rows).toHaveText(title ?? /^(👩🏽‍🚀)+…$/u);
    });
  }
});

test.describe("an address", () => {
  test("of a chat deleted here says so, and Back does not lead to the one that was open", async ({
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

  test("the draft of a chat deleted elsewhere can be copied, also after a reload", async ({
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
    await gone.getByRole("button", { name: "Copy my draft" }).click();
    await expect(gone.getByRole("status")).toHaveText("Copied");
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe("hours of work");

    await page.reload();
    await expect(page.getByRole("textbox", { name: "What you typed" })).toHaveValue("hours of work");
  });

  test("a first message stays in the field, also after a reload, and makes one chat", async ({
    sidebar,
    page,
    service,
  }) => {
    await sidebar.open();
    let fails = true;
    await page.route(SESSIONS, async (route) => {
      if (route.request().method() === "POST" && fails) {
        fails = false;
        // The chat is made, but the answer is lost.
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

  test("messages stay beside each other until each is sent", async ({ sidebar, page, service }) => {
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

  test("a message can be edited: it goes back into the field, before what was typed since", async ({
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

  test("a message to a chat that is no longer open is told of, and Retry sends it", async ({
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

  test("an address that is not encoded as it should be names no chat", async ({ sidebar, page }) => {
    await sidebar.open("/c/%E0%A4%A");
    await expect(page.getByRole("alert")).toContainText("Chat not found");
  });
});
