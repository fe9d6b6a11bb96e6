import "@testing-library/jest-dom/vitest";
import { cleanup } from "@testing-library/react";
import toast from "react-hot-toast/headless";
import { afterAll, afterEach, beforeAll, vi } from "vitest";
import { service } from "./service";

beforeAll(() => service.server.listen({ onUnhandledRequest: "error" }));
afterEach(() => {
  cleanup();
  toast.removeAll();
  service.reset();
  globalThis.localStorage?.clear();
});
afterAll(() => service.server.close());

if (typeof window !== "undefined") {
  // jsdom lays nothing out: the list must be told that it has a height, or it shows no row.
  for (const [property, size] of [
    ["offsetHeight", 600],
    ["offsetWidth", 300],
  ] as const) {
    Object.defineProperty(HTMLElement.prototype, property, {
      get(this: HTMLElement) {
        return property === "offsetHeight" && this.hasAttribute("data-index") ? 36 : size;
      },
    });
  }
  Element.prototype.scrollTo = () => undefined;
  Element.prototype.scrollIntoView = () => undefined;
  vi.stubGlobal("CSS", { supports: () => false });
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {}, removeEventListener() {} }));
}
