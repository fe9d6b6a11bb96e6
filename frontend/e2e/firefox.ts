import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import axe from "axe-core";
import puppeteer, { type Browser, type Page } from "puppeteer-core";
import { WCAG } from "./accessible";
import { firefox } from "./find-browser.mjs";
import { newUser, Service, tokenFor } from "./service";

// A mouse: a precise pointer that can hover. Without it, a headless machine counts as a touch device.
const MOUSE = { "ui.primaryPointerCapabilities": 6, "ui.allPointerCapabilities": 6 };

let browser: Browser;
let home = "";

test.beforeAll(async () => {
  // Firefox creates a download folder in the user's home.
  home = mkdtempSync(join(tmpdir(), "chat-sessions-firefox-"));
  browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: firefox ?? "",
    extraPrefsFirefox: MOUSE,
    env: { ...process.env, HOME: home },
  });
});
test.afterAll(async () => {
  await browser?.close();
  rmSync(home, { recursive: true, force: true });
});

test("a chat is started, opened and deleted, and a draft survives", async ({ baseURL }) => {
  const url = baseURL ?? "";
  const user = newUser();
  const service = await Service.for(url, user);
  await service.createAll(["Alpha", "Beta"]);
  const page = await browser.newPage();
  const errors = watch(page);
  const titles = () => page.$$eval("li[data-session]", (rows) => rows.map((row) => row.textContent));
  const path = () => new URL(page.url()).pathname;
  const focused = () => page.evaluate(() => document.activeElement?.textContent);
  const dialogs = () => page.$$eval("[role=alertdialog] :is(h1, h2)", (all) => all.map((one) => one.textContent));
  const draft = () => page.$eval("textarea", (field) => field.value);

  await signIn(page, url, user);
  await expect.poll(titles).toEqual(["Alpha", "Beta"]);
  await page.locator("textarea").click();
  await page.keyboard.type("How do bees find home?");
  await page.keyboard.press("Enter");
  await expect.poll(titles).toEqual(["How do bees find home?", "Alpha", "Beta"]);
  await expect.poll(path).toMatch(/^\/c\//);
  await page.locator("[aria-label=Messages] ::-p-text(How do bees find home?)").wait();

  await page.locator("nav a ::-p-text(Alpha)").click();
  await page.locator("h1 ::-p-text(Alpha)").wait();
  await page.locator("textarea").click();
  await page.keyboard.type("a draft");
  await page.reload();
  await page.locator("textarea").wait();
  await expect.poll(draft).toBe("a draft");
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate((tags) => axe.run({ runOnly: tags }), WCAG);
  expect(violations.map(({ id }) => id)).toEqual([]);

  await page.locator("nav a ::-p-text(Alpha)").hover();
  await page.locator('[aria-label="Delete “Alpha”"]').click();
  await expect.poll(dialogs).toEqual(["Delete “Alpha”?"]);
  await expect.poll(focused).toBe("Cancel");
  await page.locator("[role=alertdialog] button ::-p-text(Delete)").click();
  await expect.poll(titles).toEqual(["How do bees find home?", "Beta"]);
  await expect.poll(path).toBe("/");
  await expect.poll(focused).toBe("Beta");
  expect(await service.titles()).toEqual(["How do bees find home?", "Beta"]);

  await service.create("From elsewhere");
  await expect.poll(titles).toEqual(["From elsewhere", "How do bees find home?", "Beta"]);
  expect(errors).toEqual([]);
});

function watch(page: Page): string[] {
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(`page error: ${error}`));
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) {
      errors.push(`console: ${message.text()}`);
    }
  });
  return errors;
}

/** Signs in as the other tests do. In Firefox, a script that runs before the page's own cannot use its storage. */
async function signIn(page: Page, url: string, user: string): Promise<void> {
  await page.evaluateOnNewDocument(
    (token) =>
      addEventListener("chat-sessions:token-needed", () =>
        dispatchEvent(new CustomEvent("chat-sessions:token", { detail: { token } })),
      ),
    await tokenFor(url, user),
  );
  await page.goto(url);
  await page.evaluate((name) => sessionStorage.setItem("chat-sessions:user", name), user);
  await page.reload();
}
