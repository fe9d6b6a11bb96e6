import { createContext, type RefObject, useCallback, useContext } from "react";

/** Marks each top-level element of ours in the host's page, where tokens.css sets colours and fonts. */
export const ROOT = { "data-chat-sessions": "" };

/** The variables that a host can set. */
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

/** Dialogs and menus below it copy the theme of the given element, although they render into the document's body. */
export const ThemeSource = ThemeContext.Provider;

/** A ref for an element that renders into the document's body. */
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
