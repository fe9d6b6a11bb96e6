import { expect, Sidebar, test } from "./test";

// Far less than the timeout of a silent feed. On an idle machine, a second is enough.
const SOON = { timeout: 5_000 };

test("changes show on another device at once", async ({ sidebar, page, otherPage, service }) => {
  await service.createAll(["Alpha", "Beta"]);
  const other = new Sidebar(otherPage);
  await sidebar.openLive();
  await other.openLive();
  await other.expectTitles(["Alpha", "Beta"]);

  await sidebar.newChat.click();
  await page.getByRole("textbox", { name: "Message" }).fill("New chat");
  await page.keyboard.press("Enter");
  await sidebar.expectTitles(["New chat", "Alpha", "Beta"]);
  await expect(other.rows).toHaveText(["New chat", "Alpha", "Beta"], SOON);
  await sidebar.menu("Beta", "Pin");
  await expect(other.rows).toHaveText(["Beta", "New chat", "Alpha"], SOON);
  const alpha = (await service.list()).sessions.find((session) => session.title === "Alpha");
  await service.change(alpha?.id ?? "", { title: "Alpha and Omega" });
  await expect(other.rows).toHaveText(["Beta", "New chat", "Alpha and Omega"], SOON);
  await expect(sidebar.rows).toHaveText(["Beta", "New chat", "Alpha and Omega"], SOON);
  await service.delete(alpha?.id ?? "");
  await expect(other.rows).toHaveText(["Beta", "New chat"], SOON);
  await expect(sidebar.rows).toHaveText(["Beta", "New chat"], SOON);
});

test("a chat that is open on another device says that it was deleted until it is closed", async ({
  sidebar,
  otherPage,
  service,
}) => {
  await service.createAll(["Alpha", "Beta"]);
  const other = new Sidebar(otherPage);
  await sidebar.openLive();
  await other.openLive();
  await other.link("Beta").click();
  await expect(otherPage.getByRole("heading", { level: 1, name: "Beta" })).toBeVisible();

  await sidebar.delete("Beta");
  const notice = otherPage.getByRole("alert").filter({ hasText: "This chat was deleted" });
  await expect(notice).toBeVisible(SOON);
  await expect(notice).toContainText("“Beta” was deleted in another tab or on another device.");
  await expect(otherPage).toHaveURL(/\/c\//);
  await notice.getByRole("button", { name: "Close chat" }).click();
  await expect(otherPage).toHaveURL("/");
});

test("a message from another device appears", async ({ sidebar, page, service }) => {
  const [alpha] = await service.createAll(["Alpha"]);
  await sidebar.openLive(`/c/${alpha?.id}`);
  await expect(page.getByText("No messages yet.")).toBeVisible();
  await service.append(alpha?.id ?? "", [{ role: "assistant", content: "Here I am." }]);
  await expect(page.getByRole("region", { name: "Messages" })).toContainText("Here I am.", SOON);
});

test("when the focused row is deleted elsewhere, the next one gets the focus", async ({ sidebar, service }) => {
  const [, beta] = await service.createAll(["Alpha", "Beta", "Gamma"]);
  await sidebar.openLive();
  await sidebar.link("Beta").focus();
  await service.delete(beta?.id ?? "");
  await sidebar.expectTitles(["Alpha", "Gamma"]);
  await expect(sidebar.link("Gamma")).toBeFocused();
});

test("a hidden page closes its feed, and catches up when it is visible again", async ({
  sidebar,
  page,
  otherPage,
  service,
}) => {
  const [alpha] = await service.createAll(["Alpha", "Beta"]);
  await sidebar.openLive();
  await service.create("Gamma");
  await sidebar.expectTitles(["Gamma", "Alpha", "Beta"]);
  const other = new Sidebar(otherPage);
  await other.openLive();
  await other.expectTitles(["Gamma", "Alpha", "Beta"]);
  const become = (state: DocumentVisibilityState) =>
    page.evaluate((value) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => value });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);

  const cut = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/events"));
  await become("hidden");
  await cut;
  await service.delete(alpha?.id ?? "");
  await other.expectTitles(["Gamma", "Beta"]);
  await sidebar.expectTitles(["Gamma", "Alpha", "Beta"]);
  await become("visible");
  await expect(sidebar.rows).toHaveText(["Gamma", "Beta"], SOON);
});

test("a burst of changes causes fewer requests than changes", async ({ sidebar, page, service }) => {
  await sidebar.openLive();
  await expect(sidebar.root.getByText("No chats yet")).toBeVisible();
  let requests = 0;
  page.on("request", (request) => {
    requests += request.url().includes("/api/") ? 1 : 0;
  });
  await service.createMany(120);
  await expect(sidebar.rows.first()).toBeVisible();
  await expect.poll(() => sidebar.rows.first().getAttribute("aria-setsize")).toBe("120");
  expect(requests).toBeLessThan(120);
});

test.describe("when the feed is down", () => {
  test.use({ failuresExpected: true });

  test("it reconnects and catches up", async ({ sidebar, page, service }) => {
    const [alpha] = await service.createAll(["Alpha", "Beta"]);
    await sidebar.openLive();
    const { id } = await service.create("Before");
    await expect(sidebar.row("Before")).toBeVisible();
    // The creation may have been read when the feed opened; only the rename proves that the feed works.
    await service.change(id, { title: "Before it" });
    await expect(sidebar.row("Before it")).toBeVisible();

    let isCut = true;
    let failures = 0;
    let resumedFrom: string | undefined;
    await page.route("**/api/chat/sessions/events", (route) => {
      resumedFrom = route.request().headers()["last-event-id"];
      failures += isCut ? 1 : 0;
      return isCut ? route.abort() : route.continue();
    });
    await page.context().setOffline(true);
    await service.delete(alpha?.id ?? "");
    await service.create("Meanwhile");
    await page.context().setOffline(false);
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await expect.poll(() => failures).toBeGreaterThan(0);
    isCut = false;
    await expect(sidebar.rows).toHaveText(["Meanwhile", "Before it", "Beta"], { timeout: 15_000 });
    expect(resumedFrom).toMatch(/\d+-\d+/);
  });

  test("without a feed the list is refetched when the window gets the focus", async ({ sidebar, page, service }) => {
    await page.route("**/api/chat/sessions/events", (route) => route.abort());
    await sidebar.open();
    await expect(sidebar.root.getByText("Reconnecting…")).toBeVisible();
    await service.create("Unheard");
    await page.evaluate(() => dispatchEvent(new Event("focus")));
    await expect(sidebar.row("Unheard")).toBeVisible();
  });

  test("without a feed, sending to a deleted chat shows that it was deleted", async ({ sidebar, page, service }) => {
    const [alpha] = await service.createAll(["Alpha", "Beta"]);
    await page.route("**/api/chat/sessions/events", (route) => route.abort());
    await sidebar.open(`/c/${alpha?.id}`);
    await expect(page.getByText("No messages yet.")).toBeVisible();
    await service.delete(alpha?.id ?? "");
    await page.getByRole("textbox", { name: "Message" }).fill("Are you there?");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("alert").filter({ hasText: "This chat was deleted" })).toBeVisible();
    await sidebar.expectTitles(["Beta"]);
  });
});
