import { expect, problem, test } from "./test";

const TITLES = ["Alpha", "Beta", "Gamma", "Delta", "Epsilon"];

test.beforeEach(async ({ service, sidebar }) => {
  await service.createAll(TITLES);
  await sidebar.openLive();
  await sidebar.expectTitles(TITLES);
});

test("several selected chats are deleted with one request", async ({ sidebar, page, service }) => {
  await sidebar.link("Beta").click();
  const requests: unknown[] = [];
  page.on("request", (request) => request.url().endsWith("/batch-delete") && requests.push(request.postDataJSON()));
  await sidebar.sidebarMenu("Select chats");
  await sidebar.row("Beta").getByRole("checkbox").check();
  await sidebar
    .row("Delta")
    .getByRole("checkbox")
    .click({ modifiers: ["Shift"] });
  await expect(sidebar.root.getByText("3 selected")).toBeVisible();
  await sidebar.row("Gamma").getByRole("checkbox").uncheck();
  await sidebar.root.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(sidebar.dialog).toHaveAccessibleName("Delete 2 chats?");
  await sidebar.dialog.getByRole("button", { name: "Delete" }).click();
  await sidebar.expectTitles(["Alpha", "Gamma", "Epsilon"]);
  await expect(sidebar.dialog).toBeHidden();
  await expect(page).toHaveURL("/");
  await expect(sidebar.link("Gamma")).toBeFocused();
  await expect(page.getByRole("status").filter({ hasText: "Deleted 2 chats." })).toBeAttached();
  expect(requests).toHaveLength(1);
  expect(await service.titles()).toEqual(["Alpha", "Gamma", "Epsilon"]);
});

test("Escape cancels the selection and deletes nothing", async ({ sidebar, page, service }) => {
  await sidebar.link("Alpha").focus();
  await page.keyboard.press("x");
  await expect(sidebar.root.getByText("1 selected")).toBeVisible();
  await page.keyboard.press("Control+a");
  await expect(sidebar.root.getByText("5 selected")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(sidebar.root.getByRole("checkbox")).toHaveCount(0);
  expect(await service.titles()).toEqual(TITLES);
});

test("Delete all shows the count, requires the word, and deletes everything", async ({ sidebar, page, service }) => {
  await sidebar.link("Gamma").click();
  await sidebar.sidebarMenu("Delete all chats…");
  await expect(sidebar.dialog).toHaveAccessibleName("Delete all 5 chats?");
  const button = sidebar.dialog.getByRole("button", { name: "Delete 5 chats" });
  await expect(button).toBeDisabled();
  await expect(sidebar.dialog.getByRole("textbox")).toBeFocused();
  await page.keyboard.type("delet");
  await page.keyboard.press("Enter");
  await expect(button).toBeDisabled();
  await page.keyboard.type("e");
  await page.keyboard.press("Enter");
  await expect(sidebar.root.getByText("No chats yet")).toBeVisible();
  await expect(page).toHaveURL("/");
  await expect(sidebar.newChat).toBeFocused();
  expect(await service.titles()).toEqual([]);
});

test("Delete all does not delete a chat that was created after the count", async ({ sidebar, page, service }) => {
  await sidebar.sidebarMenu("Delete all chats…");
  await expect(sidebar.dialog).toHaveAccessibleName("Delete all 5 chats?");
  await service.create("Newcomer");
  await expect(sidebar.row("Newcomer")).toBeAttached();
  await expect(sidebar.dialog.getByRole("textbox")).toBeFocused();
  await page.keyboard.type("delete");
  await page.keyboard.press("Enter");
  await sidebar.expectTitles(["Newcomer"]);
  await expect(page.getByRole("status").filter({ hasText: "Deleted 5 chats." })).toBeAttached();
  expect(await service.titles()).toEqual(["Newcomer"]);
});

test("the dialog lists every selected chat, including those hidden by a search", async ({ sidebar, page, service }) => {
  await sidebar.link("Alpha").focus();
  await page.keyboard.press("x");
  await sidebar.searchFor("eta");
  await sidebar.expectTitles(["Beta"]);
  await sidebar.row("Beta").getByRole("checkbox").check();
  await expect(sidebar.root.getByText("2 selected")).toContainText("1 not shown");
  await sidebar.root.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(sidebar.dialog.getByRole("listitem")).toHaveText(["Alpha", "Beta"]);
  await sidebar.dialog.getByRole("button", { name: "Delete" }).click();
  await expect(sidebar.dialog).toBeHidden();
  expect(await service.titles()).toEqual(["Gamma", "Delta", "Epsilon"]);
});

test("selected chats that are deleted elsewhere leave the selection", async ({ sidebar, page, service }) => {
  const { sessions } = await service.list();
  await sidebar.link("Alpha").focus();
  await page.keyboard.press("x");
  await sidebar.row("Beta").getByRole("checkbox").check();
  await service.delete(sessions[0]?.id ?? "");
  await expect(sidebar.root.getByText("1 selected")).toBeVisible();
  await sidebar.root.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(sidebar.dialog).toHaveAccessibleName("Delete 1 chat?");
  await service.delete(sessions[1]?.id ?? "");
  await expect(sidebar.dialog).toBeHidden();
});

test("Ctrl+A selects all chats, including those not loaded yet", async ({ sidebar, page, service }) => {
  await service.createMany(115);
  await expect.poll(() => sidebar.rows.first().getAttribute("aria-setsize")).toBe("120");
  await sidebar.rows.first().getByRole("link").focus();
  await page.keyboard.press("x");
  await page.keyboard.press("Control+a");
  await expect(sidebar.root.getByText("120 selected")).toBeVisible();
  await sidebar.root.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(sidebar.dialog).toHaveAccessibleName("Delete 120 chats?");
  await expect(sidebar.dialog.getByRole("listitem")).toHaveCount(101);
  await expect(sidebar.dialog.getByRole("listitem").last()).toHaveText("and 20 more");
});

test.describe("when it fails", () => {
  test.use({ failuresExpected: true });

  test("the chats stay selected and Retry deletes them", async ({ sidebar, page, service }) => {
    let fails = true;
    await page.route("**/batch-delete", (route) => {
      return fails ? route.fulfill(problem(503, "database-unavailable")) : route.continue();
    });
    await sidebar.sidebarMenu("Select chats");
    await sidebar.row("Alpha").getByRole("checkbox").check();
    await sidebar.root.getByRole("button", { name: "Delete", exact: true }).click();
    await sidebar.dialog.getByRole("button", { name: "Delete" }).click();
    await expect(sidebar.toasts).toContainText("Couldn’t delete the chats");
    await expect(sidebar.row("Alpha").getByRole("checkbox")).toBeChecked();
    fails = false;
    await sidebar.toasts.getByRole("button", { name: "Retry" }).click();
    await sidebar.expectTitles(["Beta", "Gamma", "Delta", "Epsilon"]);
    expect(await service.titles()).toEqual(["Beta", "Gamma", "Delta", "Epsilon"]);
  });

  test("Delete all cannot be confirmed before the chats are counted", async ({ sidebar, page }) => {
    let fails = true;
    await page.route("**/batch-delete", (route) => {
      return fails ? route.fulfill(problem(503, "database-unavailable")) : route.continue();
    });
    await sidebar.sidebarMenu("Delete all chats…");
    await expect(sidebar.dialog.getByRole("alert")).toContainText("Couldn’t count your chats.");
    await expect(sidebar.dialog.getByRole("button", { name: "Delete", exact: true })).toBeDisabled();
    fails = false;
    await sidebar.dialog.getByRole("button", { name: "Retry" }).click();
    await expect(sidebar.dialog).toHaveAccessibleName("Delete all 5 chats?");
  });

  test("if selecting all fails, a toast says so and Retry continues", async ({ sidebar, page, service }) => {
    let fails = true;
    await page.route("**/api/chat/sessions?*cursor*", (route) => {
      return fails ? route.fulfill(problem(503, "database-unavailable")) : route.continue();
    });
    await service.createMany(60);
    await expect.poll(() => sidebar.rows.first().getAttribute("aria-setsize")).toBe("65");
    await page.reload();
    await sidebar.rows.first().getByRole("link").focus();
    await page.keyboard.press("x");
    await page.keyboard.press("Control+a");
    await expect(sidebar.toasts).toContainText("Couldn’t load more chats");
    await expect(sidebar.root.getByText("50 selected")).toBeVisible();
    fails = false;
    await sidebar.toasts.getByRole("button", { name: "Retry" }).click();
    await expect(sidebar.root.getByText("65 selected")).toBeVisible();
  });
});
