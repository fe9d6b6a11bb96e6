import type { Page } from "@playwright/test";
import { expect, problem, settled, test } from "./test";

/** Expects that some element has the focus after the focused one was removed. */
async function expectFocus(page: Page): Promise<void> {
  await settled(page);
  await expect(page.locator(":focus")).toHaveCount(1);
}

/** Presses an action of an opening menu, once the first action has the focus. */
async function pressAction(page: Page, name: string): Promise<void> {
  await expect(page.getByRole("menuitem").first()).toBeFocused();
  await page.getByRole("menuitem", { name }).press("Enter");
}

test("clearing a search without results keeps the focus", async ({ sidebar, page, service }) => {
  await service.createAll(["Alpha"]);
  await sidebar.open();
  await sidebar.searchFor("nothing like this");
  await sidebar.root.getByText("No results").waitFor();
  await sidebar.root.getByRole("button", { name: "Clear search" }).last().press("Enter");
  await sidebar.expectTitles(["Alpha"]);
  await expectFocus(page);
});

test("dialogs opened from menus restore the focus, even while the menu is fading out", async ({
  sidebar,
  page,
  service,
}) => {
  await service.createAll(["Alpha"]);
  await sidebar.open();
  await page.evaluate(() => {
    const slow = new CSSStyleSheet();
    slow.replaceSync("[role=menu] { transition-duration: 2s !important }");
    document.adoptedStyleSheets = [slow];
  });
  const more = sidebar.root.getByRole("button", { name: "More", exact: true });
  const moreForAlpha = sidebar.row("Alpha").getByRole("button", { name: /More/ });
  for (const [button, action, role, target] of [
    [more, "Delete all chats…", "alertdialog", more],
    [more, "Keyboard shortcuts", "dialog", more],
    [moreForAlpha, "Delete…", "alertdialog", sidebar.link("Alpha")],
  ] as const) {
    await button.press("Enter");
    await pressAction(page, action);
    await expect(page.getByRole(role)).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(page.getByRole(role)).toBeHidden();
    await expect(target).toBeFocused();
  }
});

test("pinning a row keeps the focus on the same element in it", async ({ sidebar, page, service }) => {
  await service.createAll(["Alpha", "Beta", "Gamma"]);
  await sidebar.open();
  await sidebar.link("Gamma").focus();
  await page.keyboard.press("p");
  await sidebar.expectTitles(["Gamma", "Alpha", "Beta"]);
  await expect(sidebar.link("Gamma")).toBeFocused();
  const more = sidebar.row("Beta").getByRole("button", { name: /More/ });
  await more.focus();
  await more.press("Enter");
  await pressAction(page, "Pin");
  await sidebar.expectTitles(["Beta", "Gamma", "Alpha"]);
  await expect(more).toBeFocused();
});

test("after the oldest messages load, the conversation has the focus", async ({ sidebar, service }) => {
  const { id } = await service.create("Long talk");
  const messages = Array.from({ length: 60 }, (_, index) => ({ role: "user" as const, content: `Message ${index}` }));
  await service.append(id, messages);
  await sidebar.open(`/c/${id}`);
  await sidebar.messages.getByRole("button", { name: "Load older messages" }).press("Enter");
  await expect(sidebar.messages.getByRole("listitem")).toHaveCount(60);
  await expect(sidebar.messages).toBeFocused();
});

test.describe("when it fails", () => {
  test.use({ failuresExpected: true });

  test("closing a deleted chat focuses the message field", async ({ sidebar, page, service }) => {
    const { id } = await service.create("Alpha");
    await sidebar.openLive(`/c/${id}`);
    await expect(page.getByRole("heading", { level: 1, name: "Alpha" })).toBeVisible();
    await service.delete(id);
    await page.getByRole("button", { name: "Close chat" }).press("Enter");
    await expect(sidebar.composer).toBeFocused();
  });

  test("after Retry loads the list, an element has the focus", async ({ sidebar, page, service }) => {
    await service.createAll(["Alpha"]);
    await page.route("**/events", (route) => route.abort());
    let fails = true;
    await page.route("**/api/chat/sessions?*", (route) => (fails ? route.abort() : route.continue()));
    await sidebar.open();
    const retry = sidebar.root.getByRole("button", { name: "Retry" });
    await retry.focus();
    fails = false;
    await retry.press("Enter");
    await sidebar.expectTitles(["Alpha"]);
    await expectFocus(page);
  });

  test("after Retry loads the chat, an element has the focus", async ({ sidebar, page, service }) => {
    const { id } = await service.create("Alpha");
    let fails = true;
    await page.route(`**/api/chat/sessions/${id}?*`, (route) => {
      return fails ? route.fulfill(problem(503, "database-unavailable")) : route.continue();
    });
    await sidebar.open(`/c/${id}`);
    const retry = page.getByRole("region", { name: "Chat" }).getByRole("button", { name: "Retry" });
    await retry.focus();
    fails = false;
    await retry.press("Enter");
    await expect(page.getByRole("heading", { level: 1, name: "Alpha" })).toBeVisible();
    await expectFocus(page);
  });

  test("dismissing a toast restores the focus", async ({ sidebar, page, service }) => {
    await service.createAll(["Alpha", "Beta"]);
    await sidebar.open();
    await page.route("**/api/chat/sessions/*", (route) => {
      return route.request().method() === "PATCH"
        ? route.fulfill(problem(503, "database-unavailable"))
        : route.fallback();
    });
    await sidebar.link("Beta").focus();
    await page.keyboard.press("p");
    await sidebar.toasts.getByRole("button", { name: "Dismiss" }).press("Enter");
    await expect(sidebar.toasts.getByRole("alert")).toHaveCount(0);
    await expect(sidebar.link("Beta")).toBeFocused();
  });
});
