import { type Browser, type Page, test } from "@playwright/test";
import { newUser, Service } from "./service";
import { signIn } from "./test";

// Recording a trace would take as long as loading the page.
test.use({ trace: "off" });

const SESSIONS = 5_000;
const LOADS = 25;
const WARM_UP_LOADS = 4;
const MAX_MS = 100;
const MAX_RATIO = 1.2;

declare global {
  interface Window {
    /** Milliseconds from the navigation until the list, or its empty state, was painted. */
    painted: Promise<number>;
  }
}

test("first paint", async ({ browser, baseURL }) => {
  test.setTimeout(180_000);
  const pages = [await pageOf(browser, baseURL ?? "", 0), await pageOf(browser, baseURL ?? "", SESSIONS)];
  const [empty = Number.NaN, full = Number.NaN] = (await timesToPaint(pages)).map(median);
  const ratio = full / empty;
  console.log(`From the start of the script until the list is painted, median of ${LOADS} loads:`);
  console.log(`  empty           ${empty.toFixed(1)} ms`);
  console.log(`  5,000 sessions  ${full.toFixed(1)} ms, at most ${MAX_MS}: ${verdict(full <= MAX_MS)}`);
  console.log(`  ratio           ${ratio.toFixed(2)}, at most ${MAX_RATIO}: ${verdict(ratio <= MAX_RATIO)}`);
});

function verdict(holds: boolean): string {
  return holds ? "pass" : "FAIL";
}

/** Runs in the page before its own scripts. */
function watchForTheList(): void {
  window.painted = new Promise((resolve) => {
    const observer = new MutationObserver(() => {
      if (document.querySelector("li[data-session]") || document.body?.textContent?.includes("No chats yet")) {
        observer.disconnect();
        // A message posted during a frame arrives after it has been painted.
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve(performance.now());
        requestAnimationFrame(() => port2.postMessage(null));
      }
    });
    observer.observe(document, { childList: true, subtree: true });
  });
}

/** A page for a user with that many sessions. It opens only after they are created, or it would get an event for each. */
async function pageOf(browser: Browser, baseURL: string, sessions: number): Promise<Page> {
  const user = newUser();
  await (await Service.for(baseURL, user)).createMany(sessions);
  const context = await browser.newContext({ baseURL });
  await signIn(context, baseURL, user);
  await context.addInitScript(watchForTheList);
  return context.newPage();
}

/** Measures without queries before the list is painted: looking for elements takes longer than painting them. */
async function timesToPaint(pages: readonly Page[]): Promise<number[][]> {
  const taken = pages.map((): number[] => []);
  for (let load = -WARM_UP_LOADS; load < LOADS; load++) {
    for (const [index, page] of pages.entries()) {
      await page.goto("/");
      const duration = await page.evaluate(sinceTheScript);
      if (load >= 0) {
        taken[index]?.push(duration);
      }
    }
  }
  return taken;
}

/** Runs in the page. A module starts when the document has been parsed and the module has loaded. */
async function sinceTheScript(): Promise<number> {
  const painted = await window.painted;
  const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  const scripts = performance.getEntriesByType("resource").filter((entry) => entry.name.endsWith(".js"));
  const arrived = Math.max(...scripts.map((entry) => (entry as PerformanceResourceTiming).responseEnd));
  return painted - Math.max(navigation?.domInteractive ?? 0, arrived);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
