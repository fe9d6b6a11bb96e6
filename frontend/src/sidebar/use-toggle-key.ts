import { useEffect, useRef } from "react";
import { useLabels } from "../labels/context";
import { useIsClient } from "../ui/use-is-client";

/** Ctrl+B, or ⌘B on a Mac, hides and shows the sidebar. Returns the name of the shortcut. */
export function useToggleKey(onToggle: (() => void) | undefined): string | undefined {
  const { keyToggle } = useLabels();
  const isMac = useIsClient() && /Mac|iPhone|iPad/.test(navigator.platform);
  const latest = useRef(onToggle);
  useEffect(() => {
    latest.current = onToggle;
  });
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const isModified = isMac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
      const isBold = event.target instanceof HTMLElement && event.target.isContentEditable;
      if (latest.current && event.key === "b" && isModified && !event.altKey && !event.shiftKey && !isBold) {
        event.preventDefault();
        latest.current();
      }
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [isMac]);
  return isMac ? "⌘B" : keyToggle;
}
