import { type RefObject, useEffect, useRef } from "react";

/**
 * When what has the focus is taken out of the document, moved or disabled, browsers let the focus fall to the top of the
 * page. Within the container it stays where it was, or goes to the fallback.
 */
export function useFocusKeeper(container: RefObject<HTMLElement | null>, fallback: () => void): void {
  const latest = useRef(fallback);
  useEffect(() => {
    latest.current = fallback;
  });

  useEffect(() => {
    const root = container.current;
    if (!root) {
      return;
    }
    let last: HTMLElement | null = null;
    const onFocus = ({ target }: FocusEvent) => {
      last = target instanceof HTMLElement && root.contains(target) ? target : null;
    };
    // Who clicks beside everything wants no focus.
    const onPointer = () => {
      last = null;
    };
    const keep = () => {
      if (last === null || document.activeElement !== document.body) {
        return;
      }
      last.focus();
      if (document.activeElement === document.body) {
        latest.current();
      }
    };
    const observer = new MutationObserver(() => {
      if (last === null) {
        return;
      }
      keep();
      // A disabled element loses the focus only when the page is drawn.
      requestAnimationFrame(() => setTimeout(keep));
    });
    document.addEventListener("focusin", onFocus);
    document.addEventListener("pointerdown", onPointer, true);
    observer.observe(root, { subtree: true, childList: true, attributeFilter: ["disabled", "hidden"] });
    return () => {
      // Also for what waits for a frame.
      last = null;
      observer.disconnect();
      document.removeEventListener("focusin", onFocus);
      document.removeEventListener("pointerdown", onPointer, true);
    };
  }, [container]);
}
