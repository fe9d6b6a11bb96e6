import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, settled } from "./test";

export const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** The rules that depend on colours. */
const COLOURS = ["color-contrast", "link-in-text-block"];

/** axe finds nothing: in light, in dark and in forced colours. */
export async function expectAccessible(page: Page): Promise<void> {
  await expectNothing(page, { colorScheme: "light", forcedColors: "none" }, (axe) => axe.withTags(WCAG));
  await expectNothing(page, { colorScheme: "dark" }, (axe) => axe.withRules(COLOURS));
  await expectNothing(page, { colorScheme: "light", forcedColors: "active" }, (axe) => axe.withRules(COLOURS));
}

async function expectNothing(
  page: Page,
  look: Parameters<Page["emulateMedia"]>[0],
  configure: (axe: AxeBuilder) => AxeBuilder,
): Promise<void> {
  await page.emulateMedia(look);
  // What is still fading in has no settled colours.
  await settled(page);
  // Legacy mode: the other one opens a page for every result, because of frames, of which there are none.
  const { violations } = await configure(new AxeBuilder({ page })).setLegacyMode().analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
  expect(found, JSON.stringify(look)).toEqual([]);
}
