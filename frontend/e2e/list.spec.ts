import { newUser, Service } from "./service";
import { closedGate, expect, problem, test, withoutFeed } from "./test";

const DAY = 24 * 60 * 60 * 1000;
const STEPS = 120;
// Milliseconds of work per frame: twice what 60 frames per second allow, because test machines are busy.
const FRAME = 33;
// For a busy machine.
const TIME_FOR_5_000 = 240_000;

test("chats are listed newest first with pinned ones on top, under date headings", async ({
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

test("the first list takes one API request", async ({ sidebar, service, page }) => {
  await service.createAll(["Alpha", "Beta"]);
  const paths: string[] = [];
  page.on("request", (request) => paths.push(new URL(request.url()).pathname));
  await withoutFeed(page);
  await sidebar.open();
  await sidebar.expectTitles(["Alpha", "Beta"]);
  expect(paths.filter((path) => path.startsWith("/api/") && !path.endsWith("/events"))).toEqual(["/api/chat/sessions"]);
});

test.describe("with 5,000 sessions", () => {
  // In one worker, so that the sessions are created once.
  test.describe.configure({ mode: "default", timeout: TIME_FOR_5_000 });
  const user = newUser();
  test.use({ user });
  test.beforeAll(async ({ baseURL }) => {
    // The group's timeout does not apply to its hooks.
    test.setTimeout(TIME_FOR_5_000);
    await (await Service.for(baseURL ?? "", user)).createMany(5_000);
  });

  test("scrolling is smooth and renders only the rows in view", async ({ sidebar, page }) => {
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

  test("End loads pages of 100 up to the last row and focuses it", async ({ sidebar, page }) => {
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

test("a new chat between two page loads causes no gap in the list", async ({ sidebar, service, page }) => {
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

test("the search ignores case and marks matches, and Escape closes it", async ({ sidebar, service, page }) => {
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
  await expect(sidebar.root.getByText("No chat title or message contains “nothing like this”.")).toBeVisible();
  await sidebar.root.getByRole("button", { name: "Clear search" }).last().click();
  await sidebar.expectTitles(["Trip to Lisbon", "Sourdough", "lisbon again"]);

  await sidebar.searchFor("sour");
  await sidebar.expectTitles(["Sourdough"]);
  await page.keyboard.press("Escape");
  await expect(sidebar.search).toHaveCount(0);
  await expect(sidebar.root.getByRole("button", { name: "Search chats" })).toBeFocused();
  await sidebar.expectTitles(["Trip to Lisbon", "Sourdough", "lisbon again"]);
});

test("a loading list does not look empty", async ({ sidebar, page }) => {
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

  for (const [what, response] of [
    ["503", problem(503, "database-unavailable")],
    ["no response", null],
  ] as const) {
    test(`a list that cannot be loaded (${what}) does not look empty, and Retry loads it`, async ({
      sidebar,
      service,
      page,
    }) => {
      await service.createAll(["Alpha"]);
      let fails = true;
      // When the feed opens, the page refetches the list, possibly before the click on Retry.
      await page.route("**/api/chat/sessions/events", (route) => route.abort());
      await page.route("**/api/chat/sessions?*", (route) => {
        return !fails ? route.continue() : response ? route.fulfill(response) : route.abort();
      });
      await sidebar.open();
      await expect(sidebar.root.getByRole("alert")).toContainText("Couldn’t load your chats");
      await expect(sidebar.root.getByText("No chats yet")).toHaveCount(0);
      fails = false;
      await sidebar.root.getByRole("button", { name: "Retry" }).click();
      await sidebar.expectTitles(["Alpha"]);
    });
  }

  test("the list loads when the service is reachable again", async ({ sidebar, service, page }) => {
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

  test("if a further page cannot be loaded, the loaded rows stay and Retry continues", async ({
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
    await expect(sidebar.root.getByText("Couldn’t load more chats")).toBeVisible();
    expect(await sidebar.rows.count()).toBeGreaterThan(5);
    fails = false;
    await sidebar.root.getByRole("button", { name: "Retry" }).click();
    // Repeatedly, since the rows may load after the first turn of the wheel.
    await expect(async () => {
      await page.mouse.wheel(0, 5_000);
      await expect(sidebar.rows.last()).toHaveAttribute("aria-posinset", "60", { timeout: 500 });
    }).toPass();
  });
});
