import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, settled } from "./test";

export const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** The axe rules that depend on colours. */
const COLOURS = ["color-contrast", "link-in-text-block"];

/** Expects no violations in light mode, in dark mode and in forced colours. */
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
  // Elements that are fading in do not have their final colours yet.
  await settled(page);
  // Legacy mode skips frames, which the page does not have, and is faster.
  const { violations } = await configure(new AxeBuilder({ page })).setLegacyMode().analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
  expect(found, JSON.stringify(look)).toEqual([]);
}
