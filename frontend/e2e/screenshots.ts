import type { Page } from "@playwright/test";
import type { Summary } from "../src/api/types";
import type { Service } from "./service";
import { closedGate, expect, problem, settled, test } from "./test";

const DAY = 24 * 60 * 60 * 1000;
const AGES: [title: string, days: number][] = [
  ["Sourdough that stays flat", 2],
  ["Interview questions, backend", 0],
  ["Trip to Lisbon in May", 0],
  ["Why is the sky dark at night?", 0],
  ["A name for a grey cat", 0],
  ["Postgres: partial or covering index?", 1],
  ["Birthday poem for my sister", 1],
  ["Grüße aus Köln: Übersetzung", 1],
  ["Bike chain keeps slipping", 3],
  ["Summary of the quarterly report for the board, second draft with comments", 4],
  ["Vegan lasagne without soy", 5],
  ["Kubernetes: pod restarts every hour", 6],
  ["Stretching after long runs", 12],
  ["Letter to the landlord", 20],
  ["Books like “The Dispossessed”", 34],
];

const NAMES = ["Ada Lovelace", "Emmy Noether", "Grace Hopper", "Mary Somerville", "Sofja Kowalewskaja", "Hypatia"];

test.use({
  failuresExpected: true,
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the fixtures from the pattern
  user: async ({}, use, { titlePath }) => {
    const sum = [...titlePath.join()].reduce((total, letter) => total + letter.charCodeAt(0), 0);
    await use(NAMES[sum % NAMES.length] ?? "");
  },
});
test.describe.configure({ mode: "serial" });
test.beforeEach(({ service }) => service.deleteAll());

for (const scheme of ["light", "dark"] as const) {
  test.describe(scheme, () => {
    test.use({ colorScheme: scheme, deviceScaleFactor: 2 });

    test("wide", async ({ sidebar, page, service }) => {
      test.setTimeout(120_000);
      const capture = capturing(page, `${scheme}-wide`);
      await withAges(page, service);

      const gate = closedGate();
      await page.route("**/api/chat/sessions?*", async (route) => {
        await gate.opened;
        await route.fallback();
      });
      await sidebar.open();
      await capture("loading");
      gate.open();
      await expect(sidebar.row("Letter to the landlord")).toBeVisible();
      await capture("start");

      await sidebar.link("Trip to Lisbon in May").click();
      await expect(page.getByText("the tram 28")).toBeVisible();
      await sidebar.row("Bike chain keeps slipping").hover();
      await capture("hover");
      await page.getByRole("button", { name: "More actions for this chat" }).click();
      await expect(page.getByRole("menuitem", { name: "Rename" })).toBeFocused();
      await capture("chat-menu");
      await page.keyboard.press("Escape");
      await page.keyboard.press("Control+b");
      await capture("hidden");
      await page.keyboard.press("Control+b");
      await page.mouse.move(900, 300);
      await sidebar.link("A name for a grey cat").focus();
      await page.keyboard.press("ArrowDown");
      await capture("keyboard-focus");
      await sidebar.row("Birthday poem for my sister").hover();
      await sidebar.row("Birthday poem for my sister").getByRole("button", { name: /More/ }).click();
      await capture("menu");
      await page.keyboard.press("Escape");
      await sidebar.askToDelete("Bike chain keeps slipping");
      await capture("delete");

      await page.route("**/api/chat/sessions/*", async (route) => {
        if (route.request().method() !== "DELETE") {
          return route.fallback();
        }
        await page.waitForTimeout(700);
        return route.fulfill(problem(503, "database-unavailable"));
      });
      await sidebar.dialog.getByRole("button", { name: "Delete" }).click();
      await capture("delete-busy");
      await expect(sidebar.toasts.getByRole("alert")).toBeVisible();
      await capture("delete-failed");
      await sidebar.toasts.getByRole("button", { name: "Dismiss" }).click();

      await sidebar.menu("Vegan lasagne without soy", "Rename");
      await capture("rename");
      await page.keyboard.press("Escape");

      await page.keyboard.press("x");
      await sidebar.row("Stretching after long runs").getByRole("checkbox").check();
      await sidebar.row("Bike chain keeps slipping").getByRole("checkbox").check();
      await capture("choosing");
      await sidebar.root.getByRole("button", { name: "Done" }).click();

      await sidebar.menu("Letter to the landlord", "Archive");
      await expect(sidebar.toasts.getByRole("button", { name: "Undo" })).toBeVisible();
      await page.mouse.move(900, 300);
      await capture("archived");
      await sidebar.sidebarMenu("Archived chats");
      await expect(sidebar.row("Letter to the landlord")).toBeVisible();
      await capture("archive");
      await sidebar.toasts.getByRole("button", { name: "Dismiss" }).click();
      await sidebar.root.getByRole("button", { name: "Back to chats" }).click();
      await expect(sidebar.row("Vegan lasagne without soy")).toBeVisible();

      await sidebar.sidebarMenu("Delete all chats…");
      await expect(sidebar.dialog).toHaveAccessibleName(/\d/);
      await page.keyboard.type("del");
      await capture("delete-all");
      await page.keyboard.press("Escape");
      await sidebar.sidebarMenu("Keyboard shortcuts");
      await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
      await capture("shortcuts");
      await page.keyboard.press("Escape");

      await sidebar.searchFor("the");
      await expect(sidebar.root.getByText("the tram 28")).toBeVisible();
      await capture("search");
      await sidebar.searchFor("quantum knitting");
      await expect(sidebar.root.getByText("No results")).toBeVisible();
      await capture("nothing-found");
      await page.keyboard.press("Escape");

      const open = new URL(page.url()).pathname.split("/").at(-1) ?? "";
      await service.delete(open);
      await expect(page.getByText("This chat was deleted")).toBeVisible();
      await capture("deleted-elsewhere");
    });

    test("empty and failing", async ({ sidebar, page }) => {
      const capture = capturing(page, `${scheme}-wide`);
      await sidebar.open();
      await expect(sidebar.root.getByText("No chats yet")).toBeVisible();
      await capture("empty");
      await page.route("**/api/chat/sessions**", (route) => route.fulfill(problem(503, "database-unavailable")));
      await page.reload();
      await expect(sidebar.root.getByRole("alert")).toBeVisible();
      await capture("error");
      await page.evaluate(() => sessionStorage.clear());
    });

    test.describe("narrow", () => {
      test.use({ viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true });

      test("narrow", async ({ sidebar, page, service }) => {
        const capture = capturing(page, `${scheme}-narrow`);
        await withAges(page, service);
        await page.goto("/");
        await capture("start");
        await page.getByRole("button", { name: "Show chats" }).tap();
        await expect(sidebar.row("Trip to Lisbon in May")).toBeVisible();
        await capture("drawer");
        await sidebar.row("A name for a grey cat").getByRole("button", { name: /More/ }).tap();
        await capture("menu");
        await page.getByRole("menuitem", { name: "Delete…" }).tap();
        await capture("delete");
        await sidebar.dialog.getByRole("button", { name: "Cancel" }).tap();
        await sidebar.link("Trip to Lisbon in May").tap();
        await expect(page.getByText("the tram 28")).toBeVisible();
        await capture("open");
      });
    });
  });
}

test("sign-in", async ({ page, context }) => {
  await context.addInitScript(() => sessionStorage.clear());
  await page.goto("/");
  await capturing(page, "light-wide")("sign-in");
});

function capturing(page: Page, group: string) {
  return async (name: string) => {
    await settled(page);
    await page.screenshot({ path: `screenshots/${group}-${name}.png`, animations: "allow" });
  };
}

/** Spreads the chats over many days: the service sets the times itself, so this changes its responses. */
async function withAges(page: Page, service: Service): Promise<void> {
  const sessions = await service.createAll(AGES.map(([title]) => title));
  const ages = new Map(sessions.map((session, index) => [session.id, AGES[index]?.[1] ?? 0]));
  await service.change(sessions[0]?.id ?? "", { is_pinned: true });
  await service.append(sessions[2]?.id ?? "", [
    { role: "user", content: "Five days in Lisbon in May, with two children. What shouldn’t we miss?" },
    {
      role: "assistant",
      content:
        "May is a good time: warm, not hot, and the jacarandas are in bloom.\n\nTake the tram 28 early in the morning, before the queues; the Oceanário on the rainy day; and a day in Sintra by train, with the gardens first and the palace after lunch.",
    },
    { role: "user", content: "And where should we eat?" },
  ]);
  await page.route("**/api/chat/sessions?*", async (route) => {
    const response = await route.fetch();
    const list = (await response.json()) as { sessions: Summary[] };
    for (const session of list.sessions) {
      session.updated_at = new Date(Date.parse(session.updated_at) - (ages.get(session.id) ?? 0) * DAY).toISOString();
    }
    await route.fulfill({ response, json: list });
  });
}
