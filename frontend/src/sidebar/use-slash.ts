import { type RefObject, useEffect, useRef, useState } from "react";

const STORED_AS = "chat-sessions:slash";

/** `/` opens the search: always inside the sidebar and, unless switched off, while nothing has the focus. */
export function useSlash(sidebar: RefObject<HTMLElement | null>, openSearch: () => void) {
  const [isOn, setOn] = useState(true);
  useEffect(() => {
    // Setting what it is would render the sidebar once more before the list is painted.
    if (stored() === "off") {
      setOn(false);
    }
  }, []);
  const latest = useRef(openSearch);
  useEffect(() => {
    latest.current = openSearch;
  });

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const target = event.target as Element;
      const isHere = sidebar.current?.contains(target) || (isOn && target === document.body);
      const isTyping = target.matches("input:not([type=checkbox]), textarea, [contenteditable]");
      if (event.key === "/" && isHere && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        latest.current();
      }
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [isOn, sidebar]);

  return {
    isOn,
    setOn: (on: boolean) => {
      setOn(on);
      store(on ? "on" : "off");
    },
  };
}

function stored(): string | null {
  try {
    return localStorage.getItem(STORED_AS);
  } catch {
    return null;
  }
}

function store(value: string): void {
  try {
    localStorage.setItem(STORED_AS, value);
  } catch {
    // If storage is blocked, the choice lasts until the page is closed.
  }
}
