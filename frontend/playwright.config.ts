import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "@playwright/test";
import { browser, firefox } from "./e2e/find-browser.mjs";

const PORT = 8199;
const data = join(tmpdir(), `chat-sessions-e2e-${process.pid}`);
const given = process.env.BASE_URL;

// Chromium loads two pages for the suggestions under the address bar of each window, which doubles its CPU time.
const ADDRESS_BAR = ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup"];
// Playwright disables these by default; --disable-features replaces its list.
const DISABLED = [
  "AvoidUnnecessaryBeforeUnloadCheckSync",
  "DestroyProfileOnBrowserClose",
  "HttpsUpgrades",
  "HttpsFirstBalancedModeAutoEnable",
  "LensOverlay",
  "MediaRouter",
  "PaintHolding",
  "ThirdPartyStoragePartitioning",
  "AvoidCorsURLLoaderRestartOnRedirect",
  "OptimizationHints",
  "NetworkTimeServiceQuerying",
  "AimEnabled",
  "PreconnectToSearch",
];

/** Tests the service at BASE_URL, which must use the same CHAT_JWT_SECRET. Without BASE_URL, starts its own. */
export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  reporter: process.env.CI ? [["list"], ["github"]] : "list",
  timeout: 60_000,
  expect: { timeout: 10_000 },
  fullyParallel: true,
  workers: 2,
  // On a busy machine the browser may time out. Playwright reports a test that needed a retry as flaky.
  retries: 2,
  forbidOnly: !!process.env.CI,
  projects: [
    // First, because it takes the longest to start.
    { name: "host", testMatch: "hosts/hosts.ts", grep: /@quick/ },
    { name: "behaviour", testMatch: "*.spec.ts" },
    { name: "hosts", testMatch: "hosts/hosts.ts" },
    { name: "firefox", testMatch: firefox ? "firefox.ts" : [] },
    { name: "screenshots", testMatch: "screenshots.ts" },
    { name: "paint", testMatch: "paint.ts" },
  ],
  use: {
    baseURL: given ?? `http://127.0.0.1:${PORT}`,
    viewport: { width: 1280, height: 800 },
    trace: "on-first-retry",
    launchOptions: {
      ...browser(),
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        `--disable-features=${[...DISABLED, ...ADDRESS_BAR]}`,
      ],
    },
  },
  ...(!given && {
    webServer: {
      command: `trap : TERM INT; ../.venv/bin/python -m chat_sessions.dev --port=${PORT} --data=${data}; rm -rf ${data}`,
      url: `http://127.0.0.1:${PORT}/readyz`,
      gracefulShutdown: { signal: "SIGTERM" as const, timeout: 15_000 },
    },
  }),
});
