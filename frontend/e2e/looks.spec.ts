import type { Locator } from "@playwright/test";
import { expect, problem, settled, test } from "./test";

const LONG = "A title that is longer than the row of any sidebar could ever be, and goes on and on and on and on";

async function boxOf(locator: Locator) {
  const box = await locator.boundingBox();
  return box ?? { x: Number.NaN, y: Number.NaN, width: Number.NaN, height: Number.NaN };
}

test("the header is one line of 32 pixels, with or without the search field", async ({ sidebar, page, service }) => {
  await service.createAll(["Alpha"]);
  await sidebar.open();
  const parts = ["Hide chats", "Search chats", "New chat", "More"].map((name) =>
    sidebar.root.getByRole("button", { name, exact: true }),
  );
  const boxes = await Promise.all(parts.map(boxOf));
  expect(boxes.map(({ y, height }) => [y, height])).toEqual(boxes.map(() => [8, 32]));
  const before = await boxOf(sidebar.row("Alpha"));
  await page.keyboard.press("/");
  const { y, height } = await boxOf(sidebar.search);
  expect([y, height]).toEqual([8, 32]);
  expect(await boxOf(sidebar.row("Alpha"))).toEqual(before);
  await sidebar.link("Alpha").focus();
  await expect(sidebar.search).toHaveCount(0);
});

test("open, hovered and other rows differ only in their background", async ({ sidebar, page, service }) => {
  await service.createAll(["Alpha", "Beta", "Gamma"]);
  await sidebar.open();
  await sidebar.link("Alpha").click();
  await sidebar.row("Beta").hover();
  await settled(page);
  const looks = (title: string) =>
    sidebar.row(title).evaluate((item) => {
      const row = item.firstElementChild as Element;
      const text = getComputedStyle(row.querySelector("a span span span") as Element);
      const { backgroundColor, boxShadow, borderRadius, borderWidth, outlineStyle } = getComputedStyle(row);
      const { width, height } = row.getBoundingClientRect();
      const shape = { boxShadow, borderRadius, borderWidth, outlineStyle, weight: text.fontWeight, width, height };
      return { fill: backgroundColor, shape };
    });
  const [open, hovered, other] = [await looks("Alpha"), await looks("Beta"), await looks("Gamma")];
  expect(open.shape).toEqual(other.shape);
  expect(hovered.shape).toEqual(other.shape);
  expect(new Set([open.fill, hovered.fill, other.fill]).size).toBe(3);
});

for (const direction of ["ltr", "rtl"] as const) {
  test(`on hover, the actions cover the end of a title without moving it (${direction})`, async ({
    sidebar,
    page,
    service,
  }) => {
    await service.createAll([LONG]);
    await sidebar.open();
    await page.locator("#root").evaluate((root, dir) => root.setAttribute("dir", dir), direction);
    const title = sidebar.link(LONG).getByText(LONG);
    const before = await boxOf(title);
    await sidebar.row(LONG).hover();
    expect(await boxOf(title)).toEqual(before);
    // The visible part ends where the actions begin.
    const seen = await boxOf(sidebar.link(LONG).locator("> span"));
    const more = await boxOf(sidebar.row(LONG).getByRole("button", { name: /More/ }));
    const gap = direction === "ltr" ? more.x - (seen.x + seen.width) : seen.x - (more.x + more.width);
    expect(gap).toBeGreaterThanOrEqual(0);
    expect(gap).toBeLessThan(8);
  });
}

test("a heading sticks above its rows until the next one replaces it", async ({ sidebar, service }) => {
  await service.createMany(60);
  const { sessions } = await service.list();
  await Promise.all(sessions.slice(0, 30).map(({ id }) => service.change(id, { is_pinned: true })));
  await sidebar.open();
  await expect(sidebar.rows.first()).toBeVisible();
  const list = await boxOf(sidebar.rows.first().locator("xpath=../.."));
  const headingAt = (scrollTop: number) =>
    sidebar.root.evaluate(
      async (root, { x, y, top }) => {
        const scroller = root.querySelector("ul")?.parentElement as HTMLElement;
        scroller.scrollTop = top;
        for (let frame = 0; frame < 3; frame++) {
          await new Promise(requestAnimationFrame);
        }
        return document.elementFromPoint(x, y)?.textContent;
      },
      { x: list.x + 40, y: list.y + 20, top: scrollTop },
    );
  expect(await headingAt(0)).toBe("Pinned");
  expect(await headingAt(500)).toBe("Pinned");
  // 32 pixels for the heading, and 33 for each row.
  const next = 32 + 30 * 33;
  expect(await headingAt(next - 40)).toBe("Pinned");
  expect(await headingAt(next - 16)).toBe("Today");
  expect(await headingAt(next + 16)).toBe("Today");
  await expect(sidebar.root.getByRole("heading", { name: "Today" })).toHaveCount(1);
});

/** What a page has seen: layout shifts, and the rows that have moved, with the seconds that it took. */
interface Seen {
  shifts: number[];
  glides: string[];
}

test("after a deletion only the rows below move, with a transition", async ({ sidebar, page, service }) => {
  await service.createAll(["Alpha", "Beta", "Gamma"]);
  await sidebar.open();
  await sidebar.askToDelete("Alpha");
  await settled(page);
  await page.evaluate(() => {
    Object.assign(window, { shifts: [], glides: [] });
    const seen = window as unknown as Seen;
    new PerformanceObserver((list) => {
      seen.shifts.push(...list.getEntries().map((entry) => (entry as unknown as { value: number }).value));
    }).observe({ type: "layout-shift" });
    document.addEventListener("transitionend", ({ target, propertyName, elapsedTime }) => {
      if (propertyName === "transform" && target instanceof HTMLLIElement) {
        seen.glides.push(`${target.textContent} ${elapsedTime}`);
      }
    });
  });
  await sidebar.dialog.getByRole("button", { name: "Delete" }).click();
  await sidebar.expectTitles(["Beta", "Gamma"]);
  await expect(sidebar.dialog).toBeHidden();
  const seen = (what: "glides" | "shifts") => page.evaluate((name) => (window as unknown as Seen)[name], what);
  await expect.poll(async () => (await seen("glides")).sort()).toEqual(["Beta 0.14", "Gamma 0.14"]);
  await settled(page);
  expect(await seen("shifts")).toEqual([]);
});

test.describe("when it fails", () => {
  test.use({ failuresExpected: true });

  test("a toast covers neither the footer nor the message field", async ({ sidebar, page, service }) => {
    await service.createAll(["Alpha"]);
    await sidebar.open();
    await page.route("**/api/chat/sessions/*", (route) =>
      route.request().method() === "PATCH" ? route.fulfill(problem(503, "database-unavailable")) : route.fallback(),
    );
    await sidebar.link("Alpha").focus();
    await page.keyboard.press("p");
    const toast = sidebar.toasts.getByRole("alert");
    await expect(toast).toBeVisible();
    await settled(page);
    const [box, side, footer] = [
      await boxOf(toast),
      await boxOf(sidebar.root),
      await boxOf(sidebar.root.locator("footer")),
    ];
    expect(box.x).toBeLessThan(side.x + 16);
    expect(box.x + box.width).toBeLessThan(side.x + side.width + 100);
    expect(box.y + box.height).toBeLessThanOrEqual(footer.y);
  });

  test("the connection status is not truncated", async ({ sidebar, page }) => {
    await page.route("**/api/chat/sessions/events", (route) => route.abort());
    await sidebar.open();
    const status = sidebar.root.getByText("Reconnecting…");
    await expect(status).toBeVisible();
    expect(await status.evaluate((element) => element.scrollWidth > element.clientWidth)).toBe(false);
  });
});

test("the dialog truncates a long title to two lines, but its accessible name is complete", async ({
  sidebar,
  service,
}) => {
  const title = `${LONG}${LONG}`.slice(0, 200);
  await service.createAll([title]);
  await sidebar.open();
  await sidebar.rows.first().hover();
  await sidebar.rows
    .first()
    .getByRole("button", { name: /^Delete/ })
    .click();
  await expect(sidebar.dialog).toHaveAccessibleName(`Delete “${title}”?`);
  const lines = await sidebar.dialog.getByRole("heading").evaluate((heading) => {
    return heading.getBoundingClientRect().height / Number.parseFloat(getComputedStyle(heading).lineHeight);
  });
  expect(lines).toBeCloseTo(2, 1);
});

test("Ctrl+B hides and shows the sidebar, and a reload keeps it hidden", async ({ sidebar, page, service }) => {
  await service.createAll(["Alpha"]);
  await sidebar.open();
  await sidebar.composer.fill("typed");
  const wide = await boxOf(page.getByRole("main"));
  await page.keyboard.press("Control+b");
  await expect(sidebar.root).toBeHidden();
  await expect(sidebar.composer).toBeFocused();
  await settled(page);
  expect((await boxOf(page.getByRole("main"))).width).toBe(1280);
  await page.reload();
  await expect(page.getByRole("button", { name: "Show chats" })).toBeVisible();
  await expect(sidebar.root).toBeHidden();
  await page.getByRole("button", { name: "Show chats" }).click();
  await expect(sidebar.row("Alpha")).toBeVisible();
  await expect(sidebar.root.getByRole("button", { name: "Hide chats" })).toBeFocused();
  await settled(page);
  expect(await boxOf(page.getByRole("main"))).toEqual(wide);
  await page.keyboard.press("Enter");
  await expect(sidebar.root).toBeHidden();
  await expect(page.getByRole("button", { name: "Show chats" })).toBeFocused();
});
