import { type RefObject, useEffect, useRef } from "react";

/**
 * When the focused element is removed, moved or disabled, browsers reset the focus to the top of the page. Inside the
 * container, this restores it or calls the fallback.
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
    // A click on nothing removes the focus on purpose.
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
      // A disabled element loses the focus only with the next frame.
      requestAnimationFrame(() => setTimeout(keep));
    });
    document.addEventListener("focusin", onFocus);
    document.addEventListener("pointerdown", onPointer, true);
    observer.observe(root, { subtree: true, childList: true, attributeFilter: ["disabled", "hidden"] });
    return () => {
      // Also stops a callback that is waiting for the next frame.
      last = null;
      observer.disconnect();
      document.removeEventListener("focusin", onFocus);
      document.removeEventListener("pointerdown", onPointer, true);
    };
  }, [container]);
}
