import { expectAccessible } from "./accessible";
import { expect, settled, test } from "./test";

const RICH = `# One\n\n> **two** [three](https://example.com) \`four\`

\`\`\`js
let five = 5;
\`\`\`

| six | seven |
|-----|------:|
| 8   |     9 |

1. ten
- [x] eleven
- [ ] twelve

![thirteen](https://example.com/13.png)`;

test("the sidebar is accessible in every state", async ({ sidebar, page, service }) => {
  test.setTimeout(120_000);
  const [alpha, beta, , delta] = await service.createAll(["Alpha", "Beta", "Gamma", "Delta"]);
  await service.append(alpha?.id ?? "", [{ role: "user", content: "We took the ferry to Delta." }]);
  await service.change(beta?.id ?? "", { is_pinned: true });
  await service.change(delta?.id ?? "", { is_archived: true });
  await sidebar.open();
  await sidebar.expectTitles(["Beta", "Alpha", "Gamma"]);
  await sidebar.row("Gamma").hover();
  await expectAccessible(page);

  await sidebar.row("Gamma").getByRole("button", { name: /More/ }).click();
  await expect(page.getByRole("menu")).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");

  await sidebar.askToDelete("Gamma");
  await expectAccessible(page);
  await page.keyboard.press("Escape");

  await sidebar.link("Gamma").focus();
  await page.keyboard.press("F2");
  await expectAccessible(page);
  await page.keyboard.press("Escape");

  await page.keyboard.press("x");
  await expect(sidebar.root.getByText("1 selected")).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");

  await sidebar.sidebarMenu("Delete all chats…");
  await expect(sidebar.dialog).toHaveAccessibleName("Delete all 4 chats?");
  await expectAccessible(page);
  await page.keyboard.press("Escape");

  await sidebar.sidebarMenu("Keyboard shortcuts");
  // It fades in once its code has loaded.
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toHaveCSS("opacity", "1");
  await expectAccessible(page);
  await page.keyboard.press("Escape");

  await sidebar.searchFor("delta");
  await expect(sidebar.rows).toHaveText([/^Alpha.*ferry/, /^Delta.*Archived/]);
  await expectAccessible(page);
  await sidebar.searchFor("nothing");
  await expect(sidebar.root.getByText("No results")).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");

  await sidebar.sidebarMenu("Archived chats");
  await sidebar.expectTitles(["Delta"]);
  await expectAccessible(page);

  await page.keyboard.press("Control+b");
  await expect(sidebar.root).toBeHidden();
  await expectAccessible(page);
});

test("a chat is accessible in every state", async ({ sidebar, page, service }) => {
  test.setTimeout(120_000);
  const { id } = await service.create("Alpha", [
    { role: "user", content: "Hello" },
    { role: "assistant", content: RICH, reasoning_content: "Hm." },
    { role: "assistant", content: null, tool_calls: [{ id: "1", function: { name: "add", arguments: "{}" } }] },
    { role: "tool", tool_call_id: "1", content: "2" },
    { role: "assistant", content: null, refusal: "No." },
    { role: "assistant", content: "Good day." },
  ]);
  await sidebar.open(`/c/${id}`);
  await sidebar.messages.getByText("Used add").click();
  await sidebar.messages.getByText("Used add").hover();
  await expectAccessible(page);

  await page.getByRole("button", { name: "More actions for this chat" }).click();
  await expect(page.getByRole("menu")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("menuitem", { name: "Rename" }).click();
  await expect(page.getByRole("textbox", { name: /New title/ })).toBeFocused();
  await expectAccessible(page);
  await page.keyboard.press("Escape");

  await sidebar.messages.getByText("Hello").hover();
  await sidebar.messages.getByRole("button", { name: "Edit message" }).click();
  await expect(page.getByText("Editing your last message")).toBeVisible();
  await expectAccessible(page);
});

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme} mode`, () => {
    test.use({ colorScheme });

    test("the page follows the colour scheme", async ({ sidebar, page }) => {
      await sidebar.open();
      const lightness = await page.evaluate(() => {
        const context = document.createElement("canvas").getContext("2d") as CanvasRenderingContext2D;
        context.fillStyle = getComputedStyle(document.querySelector("nav") as Element).backgroundColor;
        context.fillRect(0, 0, 1, 1);
        return context.getImageData(0, 0, 1, 1).data[0] ?? 0;
      });
      expect(lightness > 128).toBe(colorScheme === "light");
    });
  });
}

test.describe("when it fails", () => {
  test.use({ failuresExpected: true });

  test("error states are accessible", async ({ sidebar, page, service }) => {
    await service.createAll(["Alpha"]);
    await page.route("**/api/chat/sessions?*", (route) => route.abort());
    await sidebar.open();
    await expect(sidebar.root.getByRole("alert")).toBeVisible();
    await expectAccessible(page);

    await page.unrouteAll();
    await sidebar.root.getByRole("button", { name: "Retry" }).click();
    await page.route("**/api/chat/sessions/*", (route) => route.abort());
    await sidebar.delete("Alpha");
    await expect(sidebar.toasts.getByRole("alert")).toBeVisible();
    await expectAccessible(page);
  });
});

test.describe("in forced colours", () => {
  test.use({ forcedColors: "active" });

  test("the active menu item and search matches stand out", async ({ sidebar, page, service }) => {
    await service.createAll(["Alpha", "Beta"]);
    await sidebar.open();
    await sidebar.row("Alpha").hover();
    await sidebar.row("Alpha").getByRole("button", { name: /More/ }).click();
    const outlineOf = (action: string) =>
      page.getByRole("menuitem", { name: action }).evaluate((item) => getComputedStyle(item).outlineStyle);
    await expect(page.getByRole("menuitem", { name: "Rename" })).toBeFocused();
    expect([await outlineOf("Rename"), await outlineOf("Pin")]).toEqual(["solid", "none"]);
    await page.keyboard.press("Escape");

    await sidebar.searchFor("alp");
    const mark = sidebar.row("Alpha").locator("mark");
    const [color, background] = await mark.evaluate((element) => {
      const style = getComputedStyle(element);
      return [style.color, style.backgroundColor];
    });
    expect(color).not.toBe(background);
  });
});

test.describe("at 400 % zoom", () => {
  // What is left of a window of 1280 by 1024 pixels.
  test.use({ viewport: { width: 320, height: 256 } });

  test("every part is reachable, and nothing is wider than the screen", async ({ sidebar, page, service }) => {
    await service.createMany(20);
    const { id } = await service.create("Alpha", [{ role: "user", content: "Hello" }]);
    await sidebar.open(`/c/${id}`, false);
    await expect(sidebar.messages.getByText("Hello")).toBeInViewport();
    await expect(sidebar.composer).toBeInViewport({ ratio: 1 });
    await page.getByRole("button", { name: "Show chats" }).click();
    await settled(page);
    // The header scrolls away, and the list takes most of the screen.
    await sidebar.rows.nth(3).scrollIntoViewIfNeeded();
    const visible = await sidebar.rows.evaluateAll(
      (rows) =>
        rows.filter((row) => {
          const { top, height } = row.getBoundingClientRect();
          return row.contains(document.elementFromPoint(100, top + height / 2));
        }).length,
    );
    expect(visible).toBeGreaterThanOrEqual(3);
    await sidebar.askToDelete("Alpha");
    await settled(page);
    const button = sidebar.dialog.getByRole("button", { name: "Delete" });
    await button.scrollIntoViewIfNeeded();
    await expect(button).toBeInViewport({ ratio: 1 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false);
    await button.click();
    await expect(sidebar.row("Alpha")).toHaveCount(0);
  });
});

test.describe("320 pixels wide", () => {
  test.use({ viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true });

  test("the sidebar is a drawer, and nothing is wider than the screen", async ({ sidebar, page, service }) => {
    const long = "A chat with a title that is much longer than the screen of any phone could ever be wide";
    await service.createAll([long, "Beta"]);
    await page.goto("/");
    const isTooWide = () => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    expect(await isTooWide()).toBe(false);
    await expect(sidebar.root).toBeHidden();
    await page.getByRole("button", { name: "Show chats" }).tap();
    await expect(sidebar.row("Beta")).toBeVisible();
    expect(await isTooWide()).toBe(false);
    const outside = await sidebar.root.evaluate((root) =>
      [...root.querySelectorAll("button, a, input, h2, h3")]
        .filter((element) => element.getBoundingClientRect().right > root.getBoundingClientRect().right)
        .map((element) => element.outerHTML),
    );
    expect(outside).toEqual([]);
    await expectAccessible(page);

    await sidebar.link("Beta").tap();
    await expect(page.getByRole("heading", { level: 1, name: "Beta" })).toBeVisible();
    await expect(sidebar.root).toBeHidden();
    expect(await isTooWide()).toBe(false);

    await page.getByRole("button", { name: "Show chats" }).tap();
    await sidebar.row(long).getByRole("button").tap();
    await page.getByRole("menuitem", { name: "Delete…" }).tap();
    await expect(sidebar.dialog).toBeVisible();
    expect(await isTooWide()).toBe(false);
    await sidebar.dialog.getByRole("button", { name: "Delete" }).tap();
    await sidebar.expectTitles(["Beta"]);
    await page.getByRole("button", { name: "Hide chats" }).tap();
    await expect(sidebar.root).toBeHidden();
  });

  test("every touch target is at least 24 pixels large", async ({ sidebar, page, service }) => {
    await service.createAll(["Alpha", "Beta"]);
    await page.goto("/");
    await page.getByRole("button", { name: "Show chats" }).tap();
    await expect(sidebar.row("Beta")).toBeVisible();
    const small = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>("a, button, input, textarea")]
        .filter((element) => element.checkVisibility() && element.getBoundingClientRect().width > 1)
        .filter((element) => {
          const { width, height } = element.getBoundingClientRect();
          return Math.min(width, height) < 24;
        })
        .map((element) => element.outerHTML),
    );
    expect(small).toEqual([]);
  });

  test("fields are large enough for phones not to zoom in, and the drawer keeps its scroll position", async ({
    sidebar,
    page,
    service,
  }) => {
    await service.createMany(40);
    await page.goto("/");
    await page.getByRole("button", { name: "Show chats" }).tap();
    await expect(sidebar.rows.first()).toBeVisible();
    const last = sidebar.root.locator("li[aria-posinset='40']");
    await expect(async () => {
      await sidebar.rows.last().scrollIntoViewIfNeeded();
      await expect(last).toBeInViewport({ timeout: 100 });
    }).toPass();
    await last.getByRole("button", { name: /More/ }).tap();
    await page.getByRole("menuitem", { name: "Rename" }).tap();
    await expect(sidebar.root.getByRole("textbox", { name: /New title/ })).toBeFocused();
    const small = await page.evaluate(() =>
      [...document.querySelectorAll("input:not([type=checkbox]), textarea")]
        .filter((field) => Number.parseFloat(getComputedStyle(field).fontSize) < 16)
        .map((field) => field.outerHTML),
    );
    expect(small).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Hide chats" }).tap();
    await expect(sidebar.root).toBeHidden();
    await page.getByRole("button", { name: "Show chats" }).tap();
    await expect(sidebar.root).toBeVisible();
    await expect(last).toBeInViewport();
  });
});

test("the page itself does not scroll, even after announcements and scrolling in it", async ({
  sidebar,
  page,
  service,
}) => {
  const isScrolling = () =>
    page.evaluate(() => {
      const { scrollHeight, clientHeight, scrollWidth, clientWidth } = document.documentElement;
      return scrollHeight > clientHeight || scrollWidth > clientWidth;
    });
  const [alpha] = await service.createAll(["Alpha", "Beta"]);
  await service.append(
    alpha?.id ?? "",
    Array.from({ length: 60 }, (_, index) => ({ role: "user" as const, content: `Message ${index}` })),
  );
  await sidebar.open();
  await sidebar.delete("Beta");
  await sidebar.expectTitles(["Alpha"]);
  await expect(sidebar.dialog).toBeHidden();
  expect(await isScrolling()).toBe(false);
  await sidebar.link("Alpha").click();
  await expect(page.getByText("Message 59")).toBeVisible();
  await page.getByText("Message 20").scrollIntoViewIfNeeded();
  expect(await isScrolling()).toBe(false);
});

test("an accent colour set on the sidebar also applies to its dialogs and menus", async ({
  sidebar,
  page,
  service,
}) => {
  const ACCENT = "rgb(200, 30, 120)";
  const ring = () => page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineColor);
  await service.createAll(["Alpha"]);
  await sidebar.open();
  await sidebar.root.evaluate((nav, accent) => nav.style.setProperty("--chat-accent", accent), ACCENT);
  await page.keyboard.press("Tab");
  await sidebar.link("Alpha").focus();
  expect(await ring()).toBe(ACCENT);
  await page.keyboard.press("Delete");
  await expect(sidebar.dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
  await settled(page);
  expect(await ring()).toBe(ACCENT);
  await page.keyboard.press("Escape");
  await sidebar.root.evaluate((nav) => {
    nav.style.colorScheme = "dark";
  });
  await sidebar.row("Alpha").getByRole("button", { name: /More/ }).click();
  expect(await page.getByRole("menu").evaluate((menu) => getComputedStyle(menu).colorScheme)).toBe("dark");
});
