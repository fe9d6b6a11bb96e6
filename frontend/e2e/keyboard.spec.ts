import { expect, test, withoutFeed } from "./test";

test("everything works with the keyboard alone", async ({ sidebar, page, service }) => {
  // It would have the page read a chat again that was pinned, while it is deleted.
  await withoutFeed(page);
  await service.createAll(["Alpha", "Beta", "Gamma", "Delta"]);
  await sidebar.open();
  await sidebar.expectTitles(["Alpha", "Beta", "Gamma", "Delta"]);
  const press = async (...keys: string[]) => {
    for (const key of keys) {
      await page.keyboard.press(key);
    }
  };

  await press("/", "ArrowDown");
  await expect(sidebar.link("Alpha")).toBeFocused();
  await press("ArrowDown", "ArrowDown");
  await expect(sidebar.link("Gamma")).toBeFocused();
  await press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Gamma" })).toBeVisible();

  await test.step("Tab reaches the actions of a row", async () => {
    await sidebar.link("Gamma").focus();
    await press("Tab");
    await expect(sidebar.row("Gamma").getByRole("button", { name: "More actions for “Gamma”" })).toBeFocused();
    await press("Tab");
    await expect(sidebar.trash("Gamma")).toBeFocused();
    await press("Enter");
    await expect(sidebar.dialog).toBeVisible();
    await press("Escape");
    await expect(sidebar.trash("Gamma")).toBeFocused();
  });

  await test.step("Delete opens the dialog, and Tab and Enter confirm it", async () => {
    await sidebar.link("Gamma").focus();
    await press("Delete");
    await expect(sidebar.dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
    await press("Tab", "Enter");
    await sidebar.expectTitles(["Alpha", "Beta", "Delta"]);
    await expect(sidebar.link("Delta")).toBeFocused();
    await expect(page).toHaveURL("/");
  });

  await test.step("the menu works with the keyboard", async () => {
    await press("Tab", "Enter");
    await expect(page.getByRole("menuitem", { name: "Rename" })).toBeFocused();
    await press("ArrowDown", "Enter");
    await sidebar.expectTitles(["Delta", "Alpha", "Beta"]);
  });

  await test.step("Home and End move to the first and last row", async () => {
    await sidebar.link("Alpha").focus();
    await press("End");
    await expect(sidebar.link("Beta")).toBeFocused();
    await press("Home");
    await expect(sidebar.link("Delta")).toBeFocused();
  });

  await test.step("several chats are selected and deleted", async () => {
    await press("x", "ArrowDown", "Space", "Delete");
    await expect(sidebar.dialog).toHaveAccessibleName("Delete 2 chats?");
    await expect(sidebar.dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
    await press("Tab", "Enter");
    await sidebar.expectTitles(["Beta"]);
    await expect(sidebar.link("Beta")).toBeFocused();
  });
});

test("nothing behind a dialog takes the focus", async ({ sidebar, page, service }) => {
  await service.createAll(["Alpha"]);
  await sidebar.open();
  await sidebar.askToDelete("Alpha");
  for (let press = 0; press < 7; press++) {
    await page.keyboard.press("Tab");
    // When the browser's own controls have the focus, which every modal dialog allows, the body is the active element.
    await expect(page.locator("[role=alertdialog] :focus, body:not(:has(:focus))")).toHaveCount(1);
  }
});

test("PageDown reaches rows on further pages", async ({ sidebar, page, service }) => {
  await service.createMany(120);
  await sidebar.open();
  await sidebar.rows.first().getByRole("link").focus();
  await expect(async () => {
    await page.keyboard.press("PageDown");
    await expect(sidebar.root.locator("a:focus")).toBeInViewport({ timeout: 500 });
    const row = sidebar.rows.filter({ has: page.locator("a:focus") });
    await expect(row).toHaveAttribute("aria-posinset", "120", { timeout: 100 });
  }).toPass({ intervals: [10] });
});
