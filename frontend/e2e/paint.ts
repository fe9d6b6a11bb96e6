import type { Page } from "@playwright/test";
import { test } from "./test";

// What is recorded for a failure takes as long as the page.
test.use({ trace: "off" });

const SESSIONS = 5_000;
const TIMES = 15;
const MOST_MS = 100;
const MOST_RATIO = 1.5;

declare global {
  interface Window {
    /** In milliseconds since the navigation: when the list, or that it is empty, was on the screen. */
    painted: Promise<number>;
  }
}

test("first paint", async ({ page, service }) => {
  test.setTimeout(180_000);
  await page.addInitScript(watchForTheList);
  const empty: number[] = [];
  const full: number[] = [];
  await timesToPaint(page, 3); // fills the browser's cache
  empty.push(...(await timesToPaint(page, TIMES)));
  await page.goto("/favicon.svg"); // or the page is told of each of them
  await service.createMany(SESSIONS);
  full.push(...(await timesToPaint(page, TIMES)));
  await service.deleteAll();
  empty.push(...(await timesToPaint(page, TIMES)));

  const [forNothing, forAll] = [median(empty), median(full)];
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

/** Asks the page for nothing before the list is there: looking for elements takes it longer than drawing them. */
async function timesToPaint(page: Page, times: number): Promise<number[]> {
  const taken: number[] = [];
  for (let time = 0; time < times; time++) {
    await page.goto("/");
    taken.push(await page.evaluate(sinceTheScript));
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
