import { closedGate, expect, problem, settled, test } from "./test";

const TITLES = ["Alpha", "Beta", "Gamma", "Delta"];

test.beforeEach(async ({ service, sidebar }) => {
  await service.createAll(TITLES);
  await sidebar.openLive();
  await sidebar.expectTitles(TITLES);
});

test("the trash icon shows only on hover and on keyboard focus", async ({ sidebar, page }) => {
  const opacity = (title: string) =>
    sidebar.trash(title).evaluate((icon) => getComputedStyle(icon.parentElement as Element).opacity);
  expect(await opacity("Beta")).toBe("0");
  await sidebar.row("Beta").hover();
  expect(await opacity("Beta")).toBe("1");

  await page.mouse.move(800, 400);
  await sidebar.link("Alpha").focus();
  expect(await opacity("Alpha")).toBe("1");
  expect(await opacity("Beta")).toBe("0");
});

test("the dialog names the chat, and Cancel and Escape delete nothing and restore the focus", async ({
  sidebar,
  page,
  service,
}) => {
  const requests: string[] = [];
  page.on("request", (request) => requests.push(request.method()));
  for (const leave of [
    () => sidebar.dialog.getByRole("button", { name: "Cancel" }).click(),
    () => page.keyboard.press("Escape"),
  ]) {
    await sidebar.askToDelete("Beta");
    await expect(sidebar.dialog).toHaveAccessibleName("Delete “Beta”?");
    await expect(sidebar.dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
    await leave();
    await expect(sidebar.dialog).toBeHidden();
    await expect(sidebar.trash("Beta")).toBeFocused();
  }
  expect(requests).not.toContain("DELETE");
  expect(await service.titles()).toEqual(TITLES);
});

test("deleting a chat removes its row, refreshes the list, moves the focus and is announced", async ({
  sidebar,
  page,
  service,
}) => {
  const refreshed = page.waitForRequest((request) => {
    return request.method() === "GET" && /\/api\/chat\/sessions\?/.test(request.url());
  });
  await sidebar.delete("Beta");
  await sidebar.expectTitles(["Alpha", "Gamma", "Delta"]);
  await expect(sidebar.dialog).toBeHidden();
  await refreshed;
  await expect(sidebar.link("Gamma")).toBeFocused();
  await expect(page.getByRole("status").filter({ hasText: "Deleted “Beta”." })).toBeAttached();
  expect(await service.titles()).toEqual(["Alpha", "Gamma", "Delta"]);
});

test("deleting the last row focuses the previous one, and deleting the only one focuses New chat", async ({
  sidebar,
}) => {
  await sidebar.delete("Delta");
  await expect(sidebar.link("Gamma")).toBeFocused();
  for (const title of ["Gamma", "Beta"]) {
    await sidebar.delete(title);
    await expect(sidebar.row(title)).toHaveCount(0);
    await expect(sidebar.dialog).toBeHidden();
  }
  await expect(sidebar.link("Alpha")).toBeFocused();
  await sidebar.delete("Alpha");
  await expect(sidebar.root.getByText("No chats yet")).toBeVisible();
  await expect(sidebar.newChat).toBeFocused();
});

test("deleting the open chat closes it and resets the URL", async ({ sidebar, page }) => {
  await sidebar.link("Beta").click();
  await expect(page).toHaveURL(/\/c\//);
  await sidebar.delete("Beta");
  await expect(page).toHaveURL("/");
  await expect(page.getByRole("heading", { name: "What’s on your mind?" })).toBeVisible();
  await expect(page.getByText("This chat was deleted")).toHaveCount(0);
  await expect(sidebar.link("Gamma")).toBeFocused();
});

test("deleting another chat keeps the open one open", async ({ sidebar, page }) => {
  await sidebar.link("Beta").click();
  const url = page.url();
  await sidebar.delete("Alpha");
  await sidebar.expectTitles(["Beta", "Gamma", "Delta"]);
  await expect(page).toHaveURL(url);
  await expect(sidebar.link("Beta")).toHaveAttribute("aria-current", "page");
});

test("during a deletion the dialog stays, its button is busy, and nothing is sent twice", async ({ sidebar, page }) => {
  const gate = closedGate();
  let sent = 0;
  await page.route("**/api/chat/sessions/*", async (route) => {
    if (route.request().method() !== "DELETE") {
      return route.fallback();
    }
    sent += 1;
    await gate.opened;
    return route.continue();
  });
  await sidebar.askToDelete("Beta");
  const button = sidebar.dialog.getByRole("button", { name: /Delet/ });
  await button.dblclick();
  await expect(button).toHaveAttribute("aria-busy", "true");
  await expect(button).toHaveAccessibleName("Deleting…");
  await button.click({ force: true });
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await expect(sidebar.dialog).toBeVisible();
  await expect(sidebar.row("Beta")).toHaveCount(1);
  gate.open();
  await sidebar.expectTitles(["Alpha", "Gamma", "Delta"]);
  expect(sent).toBe(1);
});

test("the dialog closes when the chat is deleted elsewhere", async ({ sidebar, service }) => {
  const beta = (await service.list()).sessions[1];
  await sidebar.askToDelete("Beta");
  await service.delete(beta?.id ?? "");
  await expect(sidebar.dialog).toBeHidden();
  await expect(sidebar.toasts).toContainText("“Beta” was deleted in another tab or on another device.");
  await expect(sidebar.link("Gamma")).toBeFocused();
});

test("the menu of a row closes when the chat is deleted elsewhere", async ({ sidebar, page, service }) => {
  const beta = (await service.list()).sessions[1];
  await sidebar.row("Beta").hover();
  await sidebar.row("Beta").getByRole("button", { name: "More actions for “Beta”" }).click();
  await expect(page.getByRole("menuitem", { name: "Rename" })).toBeFocused();
  await service.delete(beta?.id ?? "");
  await expect(page.getByRole("menu")).toBeHidden();
  await expect(sidebar.toasts).toContainText("“Beta” was deleted in another tab or on another device.");
  await expect(sidebar.link("Gamma")).toBeFocused();
});

test("a stale list response cannot bring a deleted row back", async ({ sidebar, page, service }) => {
  const beta = (await service.list()).sessions.find((session) => session.title === "Beta");
  const stale = await service.list();
  await page.route("**/api/chat/sessions?*", (route) => route.fulfill({ json: stale }));
  const response = page.waitForResponse("**/api/chat/sessions?*");
  await sidebar.delete("Beta");
  await sidebar.expectTitles(["Alpha", "Gamma", "Delta"]);
  await (await response).finished();
  await settled(page);
  await sidebar.expectTitles(["Alpha", "Gamma", "Delta"]);
  expect(stale.sessions).toContainEqual(beta);
});

test.describe("when it fails", () => {
  test.use({ failuresExpected: true });

  test("deleting an already deleted chat removes its row and says so", async ({ sidebar, page, service }) => {
    await page.route("**/api/chat/sessions/events", (route) => route.abort());
    await page.reload();
    await sidebar.expectTitles(TITLES);
    const beta = (await service.list()).sessions.find((session) => session.title === "Beta");
    await sidebar.askToDelete("Beta");
    await service.delete(beta?.id ?? "");
    await sidebar.dialog.getByRole("button", { name: "Delete" }).click();
    await sidebar.expectTitles(["Alpha", "Gamma", "Delta"]);
    await expect(sidebar.toasts).toContainText("“Beta” was already deleted.");
    await expect(sidebar.link("Gamma")).toBeFocused();
  });

  const failures = {
    "the database is unavailable (503)": problem(503, "database-unavailable"),
    "the service has a bug (500)": problem(500, "internal-error"),
    "a proxy cannot find the service (404 in HTML)": {
      status: 404,
      contentType: "text/html",
      body: "<h1>Not Found</h1>",
    },
    "the network is down": null,
  };
  for (const [what, response] of Object.entries(failures)) {
    test(`the row stays and Retry works when ${what}`, async ({ sidebar, page, service }) => {
      let fails = true;
      await page.route("**/api/chat/sessions/*", (route) => {
        if (!fails || route.request().method() !== "DELETE") {
          return route.fallback();
        }
        return response ? route.fulfill(response) : route.abort();
      });
      await sidebar.link("Beta").click();
      const url = page.url();
      await sidebar.delete("Beta");
      await expect(sidebar.toasts.getByRole("alert")).toContainText("Couldn’t delete “Beta”");
      await expect(sidebar.dialog).toBeHidden();
      await sidebar.expectTitles(TITLES);
      await expect(page).toHaveURL(url);
      await expect(sidebar.trash("Beta")).toBeFocused();

      fails = false;
      await sidebar.toasts.getByRole("button", { name: "Retry" }).click();
      await sidebar.expectTitles(["Alpha", "Gamma", "Delta"]);
      await expect(sidebar.toasts.getByRole("alert")).toHaveCount(0);
      await expect(page).toHaveURL("/");
      expect(await service.titles()).toEqual(["Alpha", "Gamma", "Delta"]);
    });
  }

  test("after a failed deletion another chat can be deleted", async ({ sidebar, page, service }) => {
    let isFirst = true;
    await page.route("**/api/chat/sessions/*", (route) => {
      if (!isFirst || route.request().method() !== "DELETE") {
        return route.fallback();
      }
      isFirst = false;
      return route.fulfill(problem(503, "database-unavailable"));
    });
    await sidebar.delete("Alpha");
    await expect(sidebar.toasts).toContainText("Couldn’t delete “Alpha”");
    await sidebar.delete("Gamma");
    await sidebar.expectTitles(["Alpha", "Beta", "Delta"]);
    expect(await service.titles()).toEqual(["Alpha", "Beta", "Delta"]);
  });
});

test.describe("on a touch screen", () => {
  test.use({ hasTouch: true, isMobile: true, viewport: { width: 900, height: 800 } });

  test("a row always shows one large button, whose menu has Delete", async ({ sidebar, page }) => {
    const button = sidebar.row("Beta").getByRole("button");
    await expect(button).toHaveAccessibleName("More actions for “Beta”");
    expect(await button.evaluate((icon) => getComputedStyle(icon.parentElement as Element).opacity)).toBe("1");
    const box = await button.boundingBox();
    expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(44);
    await button.tap();
    await page.getByRole("menuitem", { name: "Delete…" }).tap();
    await sidebar.dialog.getByRole("button", { name: "Delete" }).tap();
    await sidebar.expectTitles(["Alpha", "Gamma", "Delta"]);
  });
});
