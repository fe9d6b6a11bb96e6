import { newUser, Service } from "./service";
import { closedGate, expect, problem, test, withoutFeed } from "./test";

const DAY = 24 * 60 * 60 * 1000;
const STEPS = 120;
// In milliseconds of work; twice what 60 pictures a second allow, for tests run on busy machines.
const FRAME = 33;

test("sessions come newest first, pinned on top, under the headings of their dates", async ({
  sidebar,
  service,
  page,
}) => {
  const [, beta] = await service.createAll(["Alpha", "Beta", "Gamma"]);
  await service.change(beta?.id ?? "", { is_pinned: true });
  const headings = sidebar.root.getByRole("heading", { level: 3 });
  for (const [days, heading] of [
    [0, "Today"],
    [1, "Yesterday"],
    [5, "Previous 7 days"],
  ] as const) {
    await page.clock.setFixedTime(Date.now() + days * DAY);
    await sidebar.open();
    await sidebar.expectTitles(["Beta", "Alpha", "Gamma"]);
    await expect(headings).toHaveText(["Pinned", heading]);
  }
});

test("the first list needs one round trip to the API", async ({ sidebar, service, page }) => {
  await service.createAll(["Alpha", "Beta"]);
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await withoutFeed(page);
  await sidebar.open();
  await sidebar.expectTitles(["Alpha", "Beta"]);
  expect(asked.filter((path) => path.startsWith("/api/") && !path.endsWith("/events"))).toEqual(["/api/chat/sessions"]);
});

test.describe("with 5,000 sessions", () => {
  // In one worker, for which they are made once.
  test.describe.configure({ mode: "default", timeout: 240_000 });
  const user = newUser();
  test.use({ user });
  test.beforeAll(async ({ baseURL }) => {
    await (await Service.for(baseURL ?? "", user)).createMany(5_000);
  });

  test("they scroll in without filling the document", async ({ sidebar, page }) => {
    await sidebar.open();
    await expect(sidebar.rows.first()).toBeVisible();
    await sidebar.rows.first().hover();

    const most = await page.evaluate(async () => {
      const scroller = document.querySelector("li[data-session]")?.closest("ul")?.parentElement as HTMLElement;
      let most = 0;
      while (!document.querySelector("li[aria-posinset='5000']")) {
        scroller.scrollTop = scroller.scrollHeight;
        await new Promise(requestAnimationFrame);
        most = Math.max(most, document.querySelectorAll("li[data-session]").length);
      }
      return most;
    });
    expect(most).toBeLessThan(80);
    await expect(sidebar.rows.last()).toHaveAttribute("aria-posinset", "5000");
    await expect(sidebar.rows.last()).toHaveAttribute("aria-setsize", "5000");

    const client = await page.context().newCDPSession(page);
    await client.send("Performance.enable");
    const worked = async () => {
      const { metrics } = await client.send("Performance.getMetrics");
      const parts = ["ScriptDuration", "LayoutDuration", "RecalcStyleDuration"];
      return metrics.filter(({ name }) => parts.includes(name)).reduce((sum, { value }) => sum + value * 1000, 0);
    };
    const before = await worked();
    await page.evaluate(async (steps) => {
      const scroller = document.querySelector("li[data-session]")?.closest("ul")?.parentElement as HTMLElement;
      for (let step = 0; step < steps; step++) {
        scroller.scrollTop -= 400;
        await new Promise(requestAnimationFrame);
      }
    }, STEPS);
    expect(((await worked()) - before) / STEPS).toBeLessThan(FRAME);
  });

  test("End reaches the last one page after page, 100 at a time, and keeps the focus there", async ({
    sidebar,
    page,
  }) => {
    await withoutFeed(page);
    await sidebar.open();
    const pages: string[] = [];
    page.on("request", (request) => request.url().includes("cursor=") && pages.push(request.url()));
    await sidebar.rows.first().getByRole("link").focus();
    await page.keyboard.press("End");
    const focused = sidebar.rows.filter({ has: page.locator("a:focus") });
    await expect(focused).toHaveAttribute("aria-posinset", "5000", { timeout: 60_000 });
    await expect(focused).toBeInViewport();
    expect(pages).toHaveLength(50);
  });
});

test("a page takes up where the last one ended when sessions change in between", async ({ sidebar, service, page }) => {
  await service.createMany(70);
  await sidebar.open();
  const titles = new Set<string>();
  await expect(sidebar.rows.first()).toBeVisible();
  await service.create("Newcomer");
  await expect(sidebar.row("Newcomer")).toBeVisible();
  await sidebar.rows.nth(3).hover();
  const scrollOn = async () => {
    for (const title of await sidebar.rows.allInnerTexts()) {
      titles.add(title);
    }
    await page.mouse.wheel(0, 150);
    return titles.size;
  };
  await expect.poll(scrollOn, { intervals: [25], timeout: 15_000 }).toBe(71);
});

test("the search finds titles in any case, marks them, and is left with Escape", async ({ sidebar, service, page }) => {
  const titles = ["Trip to Lisbon", "Sourdough", "lisbon again"];
  await service.createAll(titles);
  await sidebar.open();
  await sidebar.expectTitles(titles);
  await page.keyboard.press("/");
  await expect(sidebar.search).toBeFocused();
  await page.keyboard.type("LISBON");
  await sidebar.expectTitles(["Trip to Lisbon", "lisbon again"]);
  await expect(sidebar.row("lisbon again").locator("mark")).toHaveText("lisbon");

  await sidebar.searchFor("nothing like this");
  await expect(sidebar.root.getByText("No title and no message contains “nothing like this”.")).toBeVisible();
  await sidebar.root.getByRole("button", { name: "Clear search" }).last().click();
  await sidebar.expectTitles(["Trip to Lisbon", "Sourdough", "lisbon again"]);

  await sidebar.searchFor("sour");
  await sidebar.expectTitles(["Sourdough"]);
  await page.keyboard.press("Escape");
  await expect(sidebar.search).toHaveCount(0);
  await expect(sidebar.root.getByRole("button", { name: "Search chats" })).toBeFocused();
  await sidebar.expectTitles(["Trip to Lisbon", "Sourdough", "lisbon again"]);
});

test("a slow list shows that it is loading, and an empty one that it is empty", async ({ sidebar, page }) => {
  const gate = closedGate();
  await page.route("**/api/chat/sessions?*", async (route) => {
    await gate.opened;
    await route.continue();
  });
  await sidebar.open();
  await expect(sidebar.root.getByRole("status", { name: "Loading chats" })).toBeVisible();
  await expect(sidebar.root.getByText("No chats yet")).toHaveCount(0);
  gate.open();
  await expect(sidebar.root.getByText("No chats yet")).toBeVisible();
  await expect(sidebar.root.getByRole("status", { name: "Loading chats" })).toHaveCount(0);
});

test.describe("when it fails", () => {
  test.use({ failuresExpected: true });

  for (const [what, answer] of [
    ["503", problem(503, "database-unavailable")],
    ["no answer", null],
  ] as const) {
    test(`a list that cannot be loaded (${what}) does not look empty, and Retry loads it`, async ({
      sidebar,
      service,
      page,
    }) => {
      await service.createAll(["Alpha"]);
      let fails = true;
      // Its return would load the list again, before anybody can press Retry.
      await page.route("**/api/chat/sessions/events", (route) => route.abort());
      await page.route("**/api/chat/sessions?*", (route) => {
        return !fails ? route.continue() : answer ? route.fulfill(answer) : route.abort();
      });
      await sidebar.open();
      await expect(sidebar.root.getByRole("alert")).toContainText("Couldn’t load your chats");
      await expect(sidebar.root.getByText("No chats yet")).toHaveCount(0);
      fails = false;
      await sidebar.root.getByRole("button", { name: "Retry" }).click();
      await sidebar.expectTitles(["Alpha"]);
    });
  }

  test("it comes back by itself when the service does", async ({ sidebar, service, page }) => {
    await service.createAll(["Alpha"]);
    let fails = true;
    await page.route("**/api/chat/sessions**", (route) => (fails ? route.abort() : route.continue()));
    await sidebar.open();
    await expect(sidebar.root.getByRole("alert")).toBeVisible();
    await expect(sidebar.root.getByText("Reconnecting…")).toBeVisible();
    fails = false;
    await expect(sidebar.row("Alpha")).toBeVisible({ timeout: 20_000 });
    await expect(sidebar.root.getByText("Reconnecting…")).toBeHidden();
  });

  test("when a further page cannot be loaded, what is there stays and Retry goes on", async ({
    sidebar,
    service,
    page,
  }) => {
    await service.createMany(60);
    let fails = true;
    await page.route("**/api/chat/sessions?*cursor*", (route) => {
      return fails ? route.fulfill(problem(503, "database-unavailable")) : route.continue();
    });
    await sidebar.open();
    await sidebar.rows.first().hover();
    await page.mouse.wheel(0, 5_000);
    await expect(sidebar.root.getByText("Couldn’t load more chats.")).toBeVisible();
    expect(await sidebar.rows.count()).toBeGreaterThan(5);
    fails = false;
    await sidebar.root.getByRole("button", { name: "Retry" }).click();
    // Again and again: the rows may come after the first turn of the wheel.
    await expect(async () => {
      await page.mouse.wheel(0, 5_000);
      await expect(sidebar.rows.last()).toHaveAttribute("aria-posinset", "60", { timeout: 500 });
    }).toPass();
  });
});
