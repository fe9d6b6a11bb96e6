import { expect, problem, test } from "./test";

test.beforeEach(async ({ service, sidebar }) => {
  await service.createAll(["Alpha", "Beta", "Gamma"]);
  await sidebar.openLive();
});

test("Enter renames the chat, which keeps its place", async ({ sidebar, page, service }) => {
  await sidebar.menu("Beta", "Rename");
  const field = sidebar.root.getByRole("textbox", { name: "New title for “Beta”" });
  await expect(field).toBeFocused();
  await page.keyboard.type("  Beta, better  ");
  await page.keyboard.press("Enter");
  await sidebar.expectTitles(["Alpha", "Beta, better", "Gamma"]);
  await expect(sidebar.link("Beta, better")).toBeFocused();
  await expect.poll(() => service.titles()).toEqual(["Alpha", "Beta, better", "Gamma"]);
  await expect(page.getByRole("status").filter({ hasText: "Renamed to “Beta, better”." })).toBeAttached();
});

test("Escape cancels a rename, and leaving the field saves it", async ({ sidebar, page, service }) => {
  await sidebar.link("Gamma").focus();
  await page.keyboard.press("F2");
  await page.keyboard.type("nonsense");
  await page.keyboard.press("Escape");
  await expect(sidebar.link("Gamma")).toBeFocused();
  await expect.poll(() => service.titles()).toEqual(["Alpha", "Beta", "Gamma"]);

  await page.keyboard.press("F2");
  await page.keyboard.type("Gamma ray");
  await page.getByRole("heading", { name: "What’s on your mind?" }).click();
  await sidebar.expectTitles(["Alpha", "Beta", "Gamma ray"]);
  await expect.poll(() => service.titles()).toEqual(["Alpha", "Beta", "Gamma ray"]);
});

test("an empty title changes nothing", async ({ sidebar, page, service }) => {
  await sidebar.link("Alpha").focus();
  await page.keyboard.press("F2");
  await page.keyboard.press("Delete");
  await page.keyboard.press("Enter");
  await sidebar.expectTitles(["Alpha", "Beta", "Gamma"]);
  await expect.poll(() => service.titles()).toEqual(["Alpha", "Beta", "Gamma"]);
});

test("an untouched rename field does not undo a rename made elsewhere", async ({ sidebar, page, service }) => {
  const beta = (await service.list()).sessions[1];
  await sidebar.link("Beta").click();
  await sidebar.menu("Beta", "Rename");
  await expect(sidebar.root.getByRole("textbox", { name: "New title" })).toBeFocused();
  await service.change(beta?.id ?? "", { title: "Beta elsewhere" });
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Beta elsewhere");
  await sidebar.composer.click();
  await expect(sidebar.link("Beta elsewhere")).toBeVisible();
  expect((await service.get(beta?.id ?? "")).title).toBe("Beta elsewhere");
});

test("if a chat is deleted elsewhere during its rename, the next keys act on no other chat", async ({
  sidebar,
  page,
  service,
}) => {
  const changes: string[] = [];
  page.on("request", (request) => request.method() === "PATCH" && changes.push(request.url()));
  await sidebar.link("Beta").focus();
  await page.keyboard.press("F2");
  await page.keyboard.type("u");
  await service.delete((await service.list()).sessions[1]?.id ?? "");
  await sidebar.expectTitles(["Alpha", "Gamma"]);
  await page.keyboard.type("px");
  await expect(sidebar.toasts).toContainText("“Beta” was deleted in another tab or on another device.");
  await expect(sidebar.root.getByRole("checkbox")).toHaveCount(0);
  expect(changes).toEqual([]);
  await page.keyboard.press("Tab");
  await expect(sidebar.link("Gamma")).toBeFocused();
});

test("a chat can be pinned and unpinned", async ({ sidebar, page, service }) => {
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

  test("a failed rename or pin is undone, and Retry applies it", async ({ sidebar, page, service }) => {
    let fails = true;
    await page.route("**/api/chat/sessions/*", (route) => {
      const isChange = route.request().method() === "PATCH";
      return isChange && fails ? route.fulfill(problem(503, "database-unavailable")) : route.fallback();
    });
    await sidebar.menu("Beta", "Rename");
    await expect(sidebar.root.getByRole("textbox", { name: "New title" })).toBeFocused();
    await page.keyboard.type("Better");
    await page.keyboard.press("Enter");
    await expect(sidebar.toasts).toContainText("Couldn’t rename “Beta”");
    await sidebar.expectTitles(["Alpha", "Beta", "Gamma"]);
    await sidebar.menu("Gamma", "Pin");
    await expect(sidebar.toasts).toContainText("Couldn’t pin “Gamma”");
    await sidebar.expectTitles(["Alpha", "Beta", "Gamma"]);

    fails = false;
    await sidebar.toasts.getByRole("alert").filter({ hasText: "Beta" }).getByRole("button", { name: "Retry" }).click();
    await sidebar.expectTitles(["Alpha", "Better", "Gamma"]);
    await expect.poll(() => service.titles()).toEqual(["Alpha", "Better", "Gamma"]);
  });

  test("a rename overwrites one made elsewhere only with Rename anyway", async ({ sidebar, page, service }) => {
    const beta = (await service.list()).sessions[1];
    await sidebar.link("Beta").focus();
    await page.keyboard.press("F2");
    await page.keyboard.type("Mine");
    await service.change(beta?.id ?? "", { title: "Theirs" });
    await page.keyboard.press("Enter");
    await expect(sidebar.toasts).toContainText("It was renamed to “Theirs”");
    await expect(sidebar.row("Theirs")).toBeVisible();
    await sidebar.toasts.getByRole("button", { name: "Rename anyway" }).click();
    await expect(sidebar.row("Mine")).toBeVisible();
    await expect.poll(async () => (await service.get(beta?.id ?? "")).title).toBe("Mine");
  });

  test("a failure toast disappears when the same action succeeds", async ({ sidebar, page }) => {
    let fails = true;
    await page.route("**/api/chat/sessions/*", (route) => {
      const isChange = route.request().method() === "PATCH";
      return isChange && fails ? route.fulfill(problem(503, "database-unavailable")) : route.fallback();
    });
    await sidebar.link("Gamma").focus();
    await page.keyboard.press("p");
    await expect(sidebar.toasts).toContainText("Couldn’t pin “Gamma”");
    fails = false;
    await page.keyboard.press("p");
    await sidebar.expectTitles(["Gamma", "Alpha", "Beta"]);
    await expect(sidebar.toasts.getByRole("alert")).toHaveCount(0);
  });

  test("deleting a chat removes its failure toast", async ({ sidebar, page, service }) => {
    await page.route("**/api/chat/sessions/*", (route) => {
      return route.request().method() === "PATCH"
        ? route.fulfill(problem(503, "database-unavailable"))
        : route.fallback();
    });
    await sidebar.link("Gamma").focus();
    await page.keyboard.press("p");
    await expect(sidebar.toasts.getByRole("alert")).toHaveCount(1);
    await service.delete((await service.list()).sessions[2]?.id ?? "");
    await sidebar.expectTitles(["Alpha", "Beta"]);
    await expect(sidebar.toasts.getByRole("alert")).toHaveCount(0);
  });
});
