import { expect, problem, test } from "./test";

test.beforeEach(async ({ service, sidebar }) => {
  await service.createAll(["Alpha", "Beta", "Gamma"]);
  await sidebar.open();
});

test("rename with Enter: the chat has its new name and moves up", async ({ sidebar, page, service }) => {
  await sidebar.menu("Beta", "Rename");
  const field = sidebar.root.getByRole("textbox", { name: "New title for “Beta”" });
  await expect(field).toBeFocused();
  await page.keyboard.type("  Beta, better  ");
  await page.keyboard.press("Enter");
  await sidebar.expectTitles(["Beta, better", "Alpha", "Gamma"]);
  await expect(sidebar.link("Beta, better")).toBeFocused();
  expect(await service.titles()).toEqual(["Beta, better", "Alpha", "Gamma"]);
});

test("Escape leaves the name as it was, leaving the field keeps the new one", async ({ sidebar, page, service }) => {
  await sidebar.link("Gamma").focus();
  await page.keyboard.press("F2");
  await page.keyboard.type("nonsense");
  await page.keyboard.press("Escape");
  await expect(sidebar.link("Gamma")).toBeFocused();
  expect(await service.titles()).toEqual(["Alpha", "Beta", "Gamma"]);

  await page.keyboard.press("F2");
  await page.keyboard.type("Gamma ray");
  await page.getByRole("heading", { name: "What’s on your mind?" }).click();
  await sidebar.expectTitles(["Gamma ray", "Alpha", "Beta"]);
  await expect.poll(() => service.titles()).toEqual(["Gamma ray", "Alpha", "Beta"]);
});

test("an empty name changes nothing", async ({ sidebar, page, service }) => {
  await sidebar.link("Alpha").focus();
  await page.keyboard.press("F2");
  await page.keyboard.press("Delete");
  await page.keyboard.press("Enter");
  await sidebar.expectTitles(["Alpha", "Beta", "Gamma"]);
  expect(await service.titles()).toEqual(["Alpha", "Beta", "Gamma"]);
});

test("pin and unpin", async ({ sidebar, page, service }) => {
  await sidebar.menu("Gamma", "Pin");
  await sidebar.expectTitles(["Gamma", "Alpha", "Beta"]);
  await expect(sidebar.root.getByRole("heading", { level: 3 })).toHaveText(["Pinned", "Today"]);
  await expect.poll(() => service.titles()).toEqual(["Gamma", "Alpha", "Beta"]);
  await sidebar.link("Gamma").focus();
  await page.keyboard.press("p");
  await sidebar.expectTitles(["Alpha", "Beta", "Gamma"]);
});

test.describe("when it fails", () => {
  test.use({ failuresExpected: true });

  test("everything is put back and Retry does it", async ({ sidebar, page, service }) => {
    let fails = true;
    await page.route("**/api/chat/sessions/*", (route) => {
      const isChange = route.request().method() === "PATCH";
      return isChange && fails ? route.fulfill(problem(503, "database-unavailable")) : route.fallback();
    });
    await sidebar.menu("Beta", "Rename");
    await page.keyboard.type("Better");
    await page.keyboard.press("Enter");
    await expect(sidebar.toasts).toContainText("Couldn’t rename “Beta”");
    await sidebar.expectTitles(["Alpha", "Beta", "Gamma"]);
    await sidebar.menu("Gamma", "Pin");
    await expect(sidebar.toasts).toContainText("Couldn’t pin “Gamma”");
    await sidebar.expectTitles(["Alpha", "Beta", "Gamma"]);

    fails = false;
    await sidebar.toasts.getByRole("alert").filter({ hasText: "Beta" }).getByRole("button", { name: "Retry" }).click();
    await sidebar.expectTitles(["Better", "Alpha", "Gamma"]);
    expect(await service.titles()).toEqual(["Better", "Alpha", "Gamma"]);
  });
});
