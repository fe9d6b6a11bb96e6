import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const SERVICE = process.env.BASE_URL ?? "http://127.0.0.1:8000";
const SERVED_BY_THE_SERVICE = ["/api", "/config.json", "/dev"];

// The first versions with AbortSignal.any(), the newest API that the code uses.
const BROWSERS = ["chrome116", "firefox124", "safari17.4"];

// Nothing is inlined: the page's content security policy allows scripts, styles and images from its own origin only.
const page = {
  outDir: "dist",
  target: BROWSERS,
  assetsInlineLimit: 0,
  cssCodeSplit: false,
  modulePreload: { polyfill: false },
};

const library = {
  outDir: "dist-lib",
  target: BROWSERS,
  lib: { entry: "src/index.ts", formats: ["es" as const], fileName: "index", cssFileName: "style" },
  rolldownOptions: {
    external: /^(react|react-dom|@tanstack|@ariakit|react-hot-toast|lucide-react|eventsource-parser|markdown-it)($|\/)/,
    // Next.js and other server renderers need it, because all components have state.
    output: { banner: '"use client";' },
  },
};

export default defineConfig(({ mode }) => ({
  // Relative to the page's <base>, which the service sets behind a proxy that strips a prefix.
  base: "./",
  plugins: [react()],
  build: mode === "library" ? library : page,
  publicDir: mode === "library" ? false : "public",
  css: { modules: mode === "library" ? {} : { generateScopedName: "[hash:base64:5]" } },
  server: { proxy: Object.fromEntries(SERVED_BY_THE_SERVICE.map((path) => [path, SERVICE])) },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test/setup.ts"],
    // Files that share modules and a page take a third of the CPU time. Each test restores what it changes.
    isolate: false,
    restoreMocks: true,
    unstubGlobals: true,
    testTimeout: 60_000,
  },
}));
