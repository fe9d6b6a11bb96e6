import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, settled, test } from "./test";

async function expectAccessible(page: Page): Promise<void> {
  // What is still fading in has no settled colours.
  await settled(page);
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])
    .analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme} mode`, () => {
    test.use({ colorScheme });

    test("axe finds nothing in any state", async ({ sidebar, page, service }) => {
      test.setTimeout(90_000);
      const [alpha, beta] = await service.createAll(["Alpha", "Beta", "Gamma"]);
      await service.append(alpha?.id ?? "", [
        { role: "user", content: "Hello" },
        { role: "assistant", content: "Good day." },
        { role: "tool", content: "{}" },
      ]);
      await service.change(beta?.id ?? "", { is_pinned: true });
      await sidebar.open();
      await expect(sidebar.row("Alpha")).toBeVisible();
      await expectAccessible(page);

      await sidebar.link("Alpha").click();
      await expect(page.getByText("Good day.")).toBeVisible();
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

      await sidebar.sidebarMenu("Delete all…");
      await expect(sidebar.dialog).toHaveAccessibleName("Delete all 3 chats?");
      await expectAccessible(page);
      await page.keyboard.press("Escape");

      await sidebar.sidebarMenu("Keyboard shortcuts");
      await expectAccessible(page);
      await page.keyboard.press("Escape");

      await sidebar.search.fill("nothing");
      await expect(sidebar.root.getByText("Nothing found")).toBeVisible();
      await expectAccessible(page);
    });

    test("the page takes the colours", async ({ sidebar, page }) => {
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

  test("axe finds nothing in the error states", async ({ sidebar, page, service }) => {
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

test.describe("320 pixels wide", () => {
  test.use({ viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true });

  test("the sidebar is a drawer, and nothing is wider than the screen", async ({ sidebar, page, service }) => {
    const long = "A chat with a title that is very much longer than any screen of a telephone could ever be wide";
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
    await sidebar.trash(long).tap();
    await expect(sidebar.dialog).toBeVisible();
    expect(await isTooWide()).toBe(false);
    await sidebar.dialog.getByRole("button", { name: "Delete" }).tap();
    await sidebar.expectTitles(["Beta"]);
    await page.getByRole("button", { name: "Hide chats" }).tap();
    await expect(sidebar.root).toBeHidden();
  });

  test("everything to tap is at least 24 pixels large", async ({ sidebar, page, service }) => {
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
});
