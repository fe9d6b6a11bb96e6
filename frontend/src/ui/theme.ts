import { createContext, type RefObject, useCallback, useContext } from "react";

/** For every element that stands alone in the host's page: colours and fonts begin there. */
export const ROOT = { "data-chat-sessions": "" };

/** What tokens.css lets a host set. */
const TOKENS = [
  "font",
  "mono",
  "page",
  "side",
  "raised",
  "ink",
  "quiet",
  "line",
  "edge",
  "hover",
  "pressed",
  "accent",
  "on-accent",
  "accent-soft",
  "danger",
  "danger-ink",
  "danger-soft",
  "ring",
  "shadow",
  "shadow-high",
].map((name) => `--chat-${name}`);

const ThemeContext = createContext<RefObject<HTMLElement | null> | null>(null);

/** Below it, dialogs and menus look like the given element, although they stand in the body of the document. */
export const ThemeSource = ThemeContext.Provider;

/** The ref of an element that has left its place in the document. */
export function useThemeFromSource() {
  const source = useContext(ThemeContext);
  return useCallback(
    (element: HTMLElement | null) => {
      if (element && source?.current) {
        copyTheme(source.current, element);
      }
    },
    [source],
  );
}

function copyTheme(from: HTMLElement, to: HTMLElement): void {
  const style = getComputedStyle(from);
  for (const property of ["color-scheme", "direction", ...TOKENS]) {
    to.style.setProperty(property, style.getPropertyValue(property));
  }
}
