// Finds a Chromium for the browser tests; where there is none, lets Playwright install its own.
import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";

const KNOWN = ["/usr/bin/chromium", "/usr/bin/google-chrome", "/usr/bin/google-chrome-stable"];

/** The path of the machine's browser, or undefined for Playwright's own. */
export function machineBrowser() {
  return [process.env.CHROMIUM, ...KNOWN].find((path) => path && isExecutable(path));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

if (process.argv[1] === import.meta.filename && !machineBrowser()) {
  // Its libraries come from the distribution, which only root may install.
  const withLibraries = process.getuid?.() === 0 ? ["--with-deps"] : [];
  execFileSync("npx", ["playwright", "install", ...withLibraries, "--only-shell", "chromium"], { stdio: "inherit" });
}
