import { expect, test } from "./test";

const TITLES = ["Alpha", "Beta", "Gamma"];

test.use({ failuresExpected: true });

test.beforeEach(async ({ service, sidebar, page }) => {
  await service.createAll(TITLES);
  await sidebar.open();
  await sidebar.expectTitles(TITLES);
  // Load the code of the menus before going offline.
  await sidebar.row("Gamma").hover();
  await sidebar.row("Gamma").getByRole("button", { name: /More/ }).click();
  await expect(page.getByRole("menu")).toBeVisible();
  await page.keyboard.press("Escape");
  await page.context().setOffline(true);
  await expect(sidebar.root.getByRole("status").filter({ hasText: "Offline" })).toBeVisible();
});

test("a deletion fails at once, and Retry works when back online", async ({ sidebar, page, service }) => {
  await sidebar.delete("Beta");
  const failure = sidebar.toasts.getByRole("alert");
  await expect(failure).toContainText("Couldn’t delete “Beta”");
  await expect(failure).toContainText("You’re offline.");
  await expect(sidebar.dialog).toBeHidden();
  await sidebar.expectTitles(TITLES);
  await page.context().setOffline(false);
  await failure.getByRole("button", { name: "Retry" }).click();
  await sidebar.expectTitles(["Alpha", "Gamma"]);
  expect(await service.titles()).toEqual(["Alpha", "Gamma"]);
});

test("a pin and a rename are undone, and toasts say so", async ({ sidebar, page }) => {
  await sidebar.link("Gamma").focus();
  await page.keyboard.press("p");
  await expect(sidebar.toasts).toContainText("Couldn’t pin “Gamma”");
  await page.keyboard.press("F2");
  await page.keyboard.type("Delta");
  await page.keyboard.press("Enter");
  await expect(sidebar.toasts).toContainText("Couldn’t rename “Gamma”");
  await sidebar.expectTitles(TITLES);
});

test("opening a chat and searching fail, and load when back online", async ({ sidebar, page }) => {
  await sidebar.link("Beta").click();
  await expect(page.getByRole("region", { name: "Chat" }).getByRole("alert")).toContainText("You’re offline.");
  await sidebar.searchFor("Gam");
  await expect(sidebar.root.getByRole("alert")).toContainText("Couldn’t load your chats");
  await page.context().setOffline(false);
  await expect(page.getByRole("heading", { level: 1, name: "Beta" })).toBeVisible();
  await sidebar.expectTitles(["Gamma"]);
  await expect(sidebar.root.getByText("Offline")).toBeHidden();
});

test("a first message stays in the field, with a note below", async ({ sidebar, page, service }) => {
  await expect(page.getByText("You’re offline. Messages can’t be sent")).toBeVisible();
  await sidebar.say("Is anybody there?");
  await expect(sidebar.toasts).toContainText("Couldn’t start the chat");
  await expect(sidebar.composer).toHaveValue("Is anybody there?");
  await page.context().setOffline(false);
  await sidebar.composer.press("Enter");
  await expect(page).toHaveURL(/\/c\//);
  expect((await service.list()).total).toBe(4);
});
