import { type BrowserContext, test as base, expect, type Locator, type Page } from "@playwright/test";
import { newUser, Service, tokenFor } from "./service";

export { expect };

interface Fixtures {
  /** Set if the test makes requests fail, so that the browser's console messages about them are expected. */
  failuresExpected: boolean;
  user: string;
  service: Service;
  sidebar: Sidebar;
  /** The page of a second device of the same user. */
  otherPage: Page;
  quiet: undefined;
}

export const test = base.extend<Fixtures>({
  failuresExpected: [false, { option: true }],
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the fixtures from the pattern
  user: async ({}, use) => use(newUser()),
  service: async ({ baseURL, user }, use) => use(await Service.for(baseURL ?? "", user)),
  page: async ({ page, context, baseURL, user, failuresExpected }, use) => {
    const errors = watch(page, baseURL ?? "", failuresExpected);
    await signIn(context, baseURL ?? "", user);
    await moveFromPointer(page);
    await use(page);
    expect(errors).toEqual([]);
  },
  otherPage: async ({ browser, baseURL, user }, use) => {
    const context = await browser.newContext({ baseURL });
    await signIn(context, baseURL ?? "", user);
    await use(await context.newPage());
    await context.close();
  },
  sidebar: async ({ page }, use) => use(new Sidebar(page)),
});

/** Moves the window from the corner of the screen, where a headless machine's pointer would hover over the page. */
async function moveFromPointer(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { windowId } = await session.send("Browser.getWindowForTarget");
  await session.send("Browser.setWindowBounds", { windowId, bounds: { left: 100, top: 100 } });
  await session.detach();
}

/** Collects page errors, console warnings, and requests to other origins. */
export function watch(page: Page, origin: string, failuresExpected = false): string[] {
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(`page error: ${error.message}`));
  page.on("console", (message) => {
    const isFailedRequest = message.text().startsWith("Failed to load resource");
    if (["error", "warning"].includes(message.type()) && !(failuresExpected && isFailedRequest)) {
      errors.push(`console: ${message.text()} (${message.location().url})`);
    }
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith("data:")) {
      errors.push(`request outside the origin: ${request.url()}`);
    }
  });
  return errors;
}

/** Signs in: by name in development, or else as the embedding page. */
export async function signIn(context: BrowserContext, url: string, user: string): Promise<void> {
  const token = await tokenFor(url, user);
  await context.addInitScript(
    ([name, bearer]) => {
      sessionStorage.setItem("chat-sessions:user", name ?? "");
      addEventListener("chat-sessions:token-needed", () =>
        dispatchEvent(new CustomEvent("chat-sessions:token", { detail: { token: bearer } })),
      );
    },
    [user, token],
  );
}

/** Waits until all finite animations have ended. */
export async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const ending = document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(ending.map((animation) => animation.finished));
  });
}

/** Keeps the event feed from opening, since the page then refetches everything at an unpredictable time. */
export async function withoutFeed(page: Page): Promise<void> {
  await page.route("**/api/chat/sessions/events", () => undefined);
}

/** A gate for requests that a test holds back until it opens the gate. */
export function closedGate(): { opened: Promise<void>; open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

export function problem(status: number, kind: string) {
  const document = {
    type: `urn:chat-sessions:${kind}`,
    title: kind,
    status,
    detail: "Database unavailable. Try again.",
  };
  return { status, contentType: "application/problem+json", body: JSON.stringify(document) };
}

/** The page, by roles and labels. */
export class Sidebar {
  readonly root: Locator;
  readonly rows: Locator;
  readonly search: Locator;
  readonly newChat: Locator;
  readonly dialog: Locator;
  readonly toasts: Locator;
  readonly composer: Locator;
  readonly messages: Locator;
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
    this.root = page.getByRole("navigation", { name: "Chats" });
    this.rows = this.root.locator("li[data-session]");
    this.search = this.root.getByRole("textbox", { name: "Search chats" });
    this.newChat = this.root.getByRole("button", { name: "New chat" });
    this.dialog = page.getByRole("alertdialog");
    this.toasts = page.getByRole("region", { name: "Notifications" });
    this.composer = page.getByRole("textbox", { name: "Message" });
    this.messages = page.getByRole("region", { name: "Messages" });
  }

  async open(path = "/", isWide = true): Promise<void> {
    await this.#page.goto(path);
    await expect(this.root).toBeVisible({ visible: isWide });
  }

  /** Opens the page, and waits for its event feed. */
  async openLive(path = "/"): Promise<void> {
    const feed = this.#page.waitForResponse("**/api/chat/sessions/events");
    await this.open(path);
    await feed;
  }

  row(title: string): Locator {
    return this.rows.filter({ has: this.#page.getByText(title, { exact: true }) });
  }

  link(title: string): Locator {
    return this.row(title).getByRole("link");
  }

  trash(title: string): Locator {
    return this.row(title).getByRole("button", { name: `Delete “${title}”` });
  }

  async menu(title: string, action: string): Promise<void> {
    await this.row(title).hover();
    await this.row(title)
      .getByRole("button", { name: `More actions for “${title}”` })
      .click();
    await this.#page.getByRole("menuitem", { name: action }).click();
  }

  async sidebarMenu(action: string): Promise<void> {
    await this.root.getByRole("button", { name: "More", exact: true }).click();
    await this.#page.getByRole("menuitem", { name: action }).click();
  }

  async searchFor(text: string): Promise<void> {
    if (!(await this.search.isVisible())) {
      await this.root.getByRole("button", { name: "Search chats" }).click();
    }
    await this.search.fill(text);
  }

  /** Opens the dialog. */
  async askToDelete(title: string): Promise<void> {
    await this.row(title).hover();
    await this.trash(title).click();
    await expect(this.dialog).toBeVisible();
  }

  async delete(title: string): Promise<void> {
    await this.askToDelete(title);
    await this.dialog.getByRole("button", { name: "Delete" }).click();
  }

  /** Sends a message to the open chat, or starts one. */
  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  async expectTitles(titles: readonly string[]): Promise<void> {
    await expect(this.rows).toHaveText(titles as string[]);
  }
}
