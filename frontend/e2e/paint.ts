import { type Browser, type Page, test } from "@playwright/test";
import { newUser, Service } from "./service";
import { signIn } from "./test";

// What is recorded for a failure takes as long as the page.
test.use({ trace: "off" });

const SESSIONS = 5_000;
const TIMES = 25;
const LOADS_THAT_FILL_CACHES = 4;
const MOST_MS = 100;
const MOST_RATIO = 1.5;

declare global {
  interface Window {
    /** In milliseconds since the navigation: when the list, or that it is empty, was on the screen. */
    painted: Promise<number>;
  }
}

test("first paint", async ({ browser, baseURL }) => {
  test.setTimeout(180_000);
  const pages = [await pageOf(browser, baseURL ?? "", 0), await pageOf(browser, baseURL ?? "", SESSIONS)];
  const [forNothing = Number.NaN, forAll = Number.NaN] = (await timesToPaint(pages)).map(median);
  const ratio = forAll / forNothing;
  console.log(`From the script's start until the list is on the screen, median of ${TIMES} loads:`);
  console.log(`  empty           ${forNothing.toFixed(1)} ms`);
  console.log(`  5,000 sessions  ${forAll.toFixed(1)} ms, at most ${MOST_MS}: ${verdict(forAll <= MOST_MS)}`);
  console.log(`  ratio           ${ratio.toFixed(2)}, at most ${MOST_RATIO}: ${verdict(ratio <= MOST_RATIO)}`);
});

function verdict(holds: boolean): string {
  return holds ? "pass" : "FAIL";
}

/** Runs in the page, before anything else there. */
function watchForTheList(): void {
  window.painted = new Promise((resolve) => {
    const observer = new MutationObserver(() => {
      if (document.querySelector("li[data-session]") || document.body?.textContent?.includes("No chats yet")) {
        observer.disconnect();
        // A message that is sent while a frame is made arrives when it has been painted.
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve(performance.now());
        requestAnimationFrame(() => port2.postMessage(null));
      }
    });
    observer.observe(document, { childList: true, subtree: true });
  });
}

/** A page of a user who has that many sessions. It is not open while they are made, or it would be told of each. */
async function pageOf(browser: Browser, baseURL: string, sessions: number): Promise<Page> {
  const user = newUser();
  await (await Service.for(baseURL, user)).createMany(sessions);
  const context = await browser.newContext({ baseURL });
  await signIn(context, baseURL, user);
  await context.addInitScript(watchForTheList);
  return context.newPage();
}

/** Asks a page for nothing before the list is there: looking for elements takes it longer than drawing them. */
async function timesToPaint(pages: readonly Page[]): Promise<number[][]> {
  const taken = pages.map((): number[] => []);
  for (let time = -LOADS_THAT_FILL_CACHES; time < TIMES; time++) {
    for (const [index, page] of pages.entries()) {
      await page.goto("/");
      const duration = await page.evaluate(sinceTheScript);
      if (time >= 0) {
        taken[index]?.push(duration);
      }
    }
  }
  return taken;
}

/** Runs in the page. A module runs when the document has been parsed and the module has arrived. */
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
