import { readFile } from "node:fs/promises";
import { expect, type Page, test } from "@playwright/test";
import manifest from "../../package.json" with { type: "json" };
import { newUser, Service, tokenFor } from "../service";
import { settled, watch } from "../test";
import { Host, type Kind } from "./host";

const vite = (name: string, react: string, version: string): Kind => ({
  name,
  template: "vite",
  dependencies: {
    react,
    "react-dom": react,
    "@types/react": react,
    "@types/react-dom": react,
    typescript: "^5.9",
    vite: version,
  },
  build: ["vite", "build"],
  serve: (port) => ["vite", "preview", "--port", String(port), "--strictPort", "--host", "127.0.0.1"],
});

const KINDS: Kind[] = [
  vite("vite-react-18", "^18.3", manifest.devDependencies.vite),
  vite("vite-react-latest", "latest", "latest"),
  {
    name: "next",
    template: "next",
    dependencies: {
      next: "latest",
      react: "latest",
      "react-dom": "latest",
      "@types/node": "latest",
      "@types/react": "latest",
      typescript: "^5.9",
    },
    build: ["next", "build"],
    serve: (port) => ["next", "start", "--port", String(port), "--hostname", "127.0.0.1"],
  },
];
/** Runs with every change: the oldest React, with pinned versions. */
const QUICK = "vite-react-18";

const TIME_TO_BUILD = 900_000;

for (const kind of KINDS) {
  test.describe(kind.name, { tag: kind.name === QUICK ? "@quick" : "@nightly" }, () => {
    // In one worker, so that the host is built once.
    test.describe.configure({ mode: "default", timeout: 120_000 });
    let host: Host;

    test.beforeAll(async ({ baseURL }) => {
      test.setTimeout(TIME_TO_BUILD);
      host = await Host.start(kind, baseURL ?? "");
    });
    test.afterAll(() => host?.stop());

    test("the packed sidebar lists and deletes chats, with the colours of the page", async ({ page, baseURL }) => {
      const errors = watch(page, host.url);
      const { service, token } = await signedIn(baseURL ?? "");
      const [alpha] = await service.createAll(["Alpha", "Beta"]);
      await page.emulateMedia({ colorScheme: "dark" });
      await page.addInitScript((given) => {
        window.token = given;
      }, token);
      await page.goto(host.url);

      const sidebar = page.getByRole("navigation", { name: "Gespräche" });
      const rows = sidebar.locator("li[data-session]");
      await expect(rows).toHaveText(["Alpha", "Beta"]);
      await expectColours(page);
      expect(await isScrolling(page)).toBe(false);
      await page.screenshot({ path: `screenshots/host-${kind.name}.png` });

      await rows.first().hover();
      await sidebar.getByRole("button", { name: "More actions for “Alpha”" }).click();
      await expect(page.getByRole("menuitem", { name: "Teilen" })).toBeVisible();
      await page.keyboard.press("Escape");
      await sidebar.getByRole("button", { name: "Delete “Alpha”" }).click();
      const dialog = page.getByRole("alertdialog", { name: "Delete “Alpha”?" });
      await expect(dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
      await page.screenshot({ path: `screenshots/host-${kind.name}-delete.png` });
      await dialog.getByRole("button", { name: "Delete" }).click();
      await expect(rows).toHaveText(["Beta"]);
      await expect(rows.getByRole("button", { name: "Beta", exact: true })).toBeFocused();
      expect(await page.evaluate(() => window.deleted)).toEqual([alpha?.id]);
      expect(await service.titles()).toEqual(["Beta"]);

      await rows.first().click();
      await page.getByRole("textbox", { name: "Message" }).fill("Hello");
      await page.keyboard.press("Enter");
      await expect(page.getByRole("region", { name: "Messages" })).toContainText("Hello");
      expect(errors).toEqual([]);
    });

    test("the package contains its license, README, code, styles and one type file", () => {
      const code = /^dist-lib\/[\w-]+\.js$/;
      expect(host.files.filter((file) => !code.test(file)).sort()).toEqual([
        "LICENSE",
        "README.md",
        "dist-lib/index.d.ts",
        "dist-lib/style.css",
        "package.json",
      ]);
      expect(host.files).toContain("dist-lib/index.js");
    });

    test("the types export only the public API", async () => {
      const types = await readFile("dist-lib/index.d.ts", "utf8");
      const declared = [...types.matchAll(/^export (?:declare )?(?:type|interface|class|const|function) (\w+)/gm)];
      const listed = [...types.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, names = ""]) => names.split(","));
      const names = [...declared.map(([, name = ""]) => name), ...listed.map((name) => name.trim().split(" ").at(-1))];
      expect(names.filter((name) => name !== "").sort()).toEqual([
        "ChatMessage",
        "ChatPane",
        "ChatPaneProps",
        "ChatSessionsProvider",
        "ChatSessionsProviderProps",
        "ChatSidebar",
        "ChatSidebarProps",
        "ChatSummary",
        "GetToken",
        "Labels",
        "MessageContent",
        "Problem",
        "RowAction",
        "RowContent",
        "SentMessage",
        "StartPane",
        "StartPaneProps",
        "english",
      ]);
    });

    if (kind.template === "next") {
      test("the server renders the sidebar", async () => {
        const html = await (await fetch(host.url)).text();
        expect(html).toContain('aria-label="Gespräche"');
        expect(html).toContain('aria-label="Loading chats"');
      });
    }
  });
}

async function signedIn(url: string) {
  const user = newUser();
  return { service: await Service.for(url, user), token: await tokenFor(url, user) };
}

/** Expects the sidebar to follow the page's `color-scheme`. A page without one is light, whatever the system prefers. */
async function expectColours(page: Page): Promise<void> {
  const setScheme = (scheme: string) =>
    page.evaluate((value) => {
      document.documentElement.style.colorScheme = value;
    }, scheme);
  for (const [scheme, isDark] of [
    ["", false],
    ["dark", true],
    ["light dark", true],
    ["light", false],
  ] as const) {
    await setScheme(scheme);
    await settled(page);
    const { side, ink, raised } = await colours(page);
    expect(side < 100, `${scheme}: the sidebar`).toBe(isDark);
    expect(raised < 100, `${scheme}: a menu`).toBe(isDark);
    expect(Math.abs(side - ink), `${scheme}: the text on it`).toBeGreaterThan(150);
  }
  await setScheme("");
}

/** Lightness values, from 0 to 255. */
function colours(page: Page) {
  return page.evaluate(() => {
    const nav = document.querySelector("nav") as Element;
    // The surface of menus, dialogs and fields.
    const raised = nav.appendChild(document.createElement("i"));
    raised.style.background = "var(--cs-raised)";
    const context = document
      .createElement("canvas")
      .getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
    const lightness = (colour: string) => {
      context.fillStyle = "#f0f";
      context.fillStyle = colour;
      context.clearRect(0, 0, 1, 1);
      context.fillRect(0, 0, 1, 1);
      const [red = 0, green = 0, blue = 0, alpha = 0] = context.getImageData(0, 0, 1, 1).data;
      return alpha < 255 ? Number.NaN : (red + green + blue) / 3;
    };
    const { backgroundColor, color } = getComputedStyle(nav);
    const shown = {
      side: lightness(backgroundColor),
      ink: lightness(color),
      raised: lightness(getComputedStyle(raised).backgroundColor),
    };
    raised.remove();
    return shown;
  });
}

function isScrolling(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollHeight > document.documentElement.clientHeight);
}
