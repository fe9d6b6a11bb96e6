import type { Locator } from "@playwright/test";
import { expect, settled, test } from "./test";

const HEBREW = "שיחה על ליסבון, על החשמליות שלה ועל האור הלבן של הבקרים באביב";

/** The left edge of the text on screen; null if it is missing. */
function left(within: Locator, text: string): Promise<number | null> {
  return within.evaluate((root, wanted) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const at = node.textContent?.indexOf(wanted) ?? -1;
      if (at >= 0) {
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + wanted.length);
        return range.getBoundingClientRect().left;
      }
    }
    return null;
  }, text);
}

test("a title has its own direction and is truncated at its end", async ({ sidebar, page, service }) => {
  const { id } = await service.create(HEBREW, [{ role: "assistant", content: HEBREW }]);
  await sidebar.open(`/c/${id}`);
  const title = sidebar.link(HEBREW).getByText(HEBREW);
  const [start, end] = [await left(title, "שיחה"), await left(title, "באביב")];
  const box = await title.boundingBox();
  // Right to left: the first word is inside the row, the last one beyond its left edge.
  expect(start).toBeGreaterThan(box?.x ?? 0);
  expect(end).toBeLessThan(box?.x ?? 0);
  const message = sidebar.messages.getByText(HEBREW);
  expect(await message.evaluate((element) => getComputedStyle(element).direction)).toBe("rtl");
  await sidebar.composer.fill("שלום");
  expect(await sidebar.composer.evaluate((element) => getComputedStyle(element).direction)).toBe("rtl");
  await expect(page).toHaveTitle(`${HEBREW} · Chats`);
});

for (const [what, title] of [
  ["an override", "\u202egnp.exe"],
  ["an override outside its isolate", "\u2069\u202egnp.exe"],
] as const) {
  test(`a title with ${what} does not reorder the sentence around it`, async ({ sidebar, service }) => {
    await service.createAll([title]);
    await sidebar.open();
    await sidebar.rows.first().hover();
    await sidebar.rows
      .first()
      .getByRole("button", { name: /^Delete/ })
      .click();
    const heading = sidebar.dialog.getByRole("heading");
    await expect(heading).toHaveText("Delete “gnp.exe”?");
    const [first, name, last] = [await left(heading, "Delete"), await left(heading, "gnp"), await left(heading, "”?")];
    expect(first).toBeLessThan(name ?? 0);
    expect(name).toBeLessThan(last ?? 0);
  });
}

test("in a right-to-left page the layout is mirrored and nothing overflows", async ({ sidebar, page, service }) => {
  await service.createAll(["Alpha", HEBREW]);
  await sidebar.open();
  // A host may set the direction on a part of the document.
  await page.locator("#root").evaluate((root) => root.setAttribute("dir", "rtl"));
  await sidebar.expectTitles(["Alpha", HEBREW]);
  const width = page.viewportSize()?.width ?? 0;
  const side = await sidebar.root.boundingBox();
  expect((side?.x ?? 0) + (side?.width ?? 0)).toBeCloseTo(width, 0);
  await sidebar.askToDelete("Alpha");
  await settled(page);
  expect(await sidebar.dialog.evaluate((dialog) => getComputedStyle(dialog).direction)).toBe("rtl");
  const dialog = await sidebar.dialog.boundingBox();
  expect((dialog?.x ?? 0) + (dialog?.width ?? 0) / 2).toBeCloseTo(width / 2, 0);
  expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false);
});

test.describe("320 pixels wide", () => {
  test.use({ viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true });

  test("in a right-to-left page the drawer opens from the right", async ({ sidebar, page, service }) => {
    await service.createAll(["Alpha"]);
    await page.goto("/");
    await page.evaluate(() => {
      document.documentElement.dir = "rtl";
    });
    const edge = () => page.locator("nav").evaluate((root) => root.getBoundingClientRect().left);
    await expect.poll(edge).toBeGreaterThanOrEqual(320);
    await page.getByRole("button", { name: "Show chats" }).tap();
    await expect(sidebar.row("Alpha")).toBeVisible();
    await settled(page);
    const box = await sidebar.root.boundingBox();
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeCloseTo(320, 0);
    expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false);
  });
});
