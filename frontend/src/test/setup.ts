import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import toast from "react-hot-toast/headless";
import { afterAll, afterEach, beforeAll } from "vitest";
import { service } from "./service";

// A busy machine may be slow.
configure({ asyncUtilTimeout: 10_000 });

beforeAll(() => service.server.listen({ onUnhandledFrame: "error" }));
afterEach(async () => {
  cleanup();
  toast.removeAll();
  await service.reset();
  globalThis.localStorage?.clear();
  globalThis.sessionStorage?.clear();
  globalThis.document?.body.replaceChildren();
});
afterAll(() => service.server.close());

const heightOf = (element: HTMLElement) => (element.hasAttribute("data-index") ? 36 : 600);

if (typeof window !== "undefined") {
  // jsdom has no layout, and without a height the list renders no rows.
  const sizes = { clientHeight: () => 600, clientWidth: () => 300, offsetHeight: heightOf, offsetWidth: () => 300 };
  for (const [property, size] of Object.entries(sizes)) {
    Object.defineProperty(HTMLElement.prototype, property, {
      configurable: true,
      get(this: HTMLElement) {
        return size(this);
      },
    });
  }
  Element.prototype.scrollTo = () => undefined;
  Element.prototype.scrollIntoView = () => undefined;
  Object.assign(globalThis, {
    CSS: { supports: () => false },
    ResizeObserver: class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
    matchMedia: () => ({ matches: false, addEventListener() {}, removeEventListener() {} }),
  });
}
