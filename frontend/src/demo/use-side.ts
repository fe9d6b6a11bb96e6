import { useLayoutEffect, useRef, useState } from "react";

const STORED_AS = "chat-sessions:side";

/** Whether the sidebar is shown. A wide screen remembers the last choice; a narrow one has a drawer, closed at first. */
export function useSide(isNarrow: boolean) {
  const [isWideShown, setWideShown] = useState(() => localStorage.getItem(STORED_AS) !== "hidden");
  const [isDrawerOpen, setDrawerOpen] = useState(false);
  const element = useRef<HTMLDivElement>(null);
  const showButton = useRef<HTMLButtonElement>(null);
  const hadFocus = useRef(false);

  // The pressed button is gone, so focus its counterpart.
  useLayoutEffect(() => {
    if (hadFocus.current && !isNarrow) {
      const button = isWideShown ? element.current?.querySelector("button") : showButton.current;
      button?.focus();
    }
    hadFocus.current = false;
  }, [isWideShown, isNarrow]);

  const toggle = () => {
    if (isNarrow) {
      setDrawerOpen(!isDrawerOpen);
      return;
    }
    const focused = document.activeElement;
    hadFocus.current = focused !== null && (focused === showButton.current || !!element.current?.contains(focused));
    setWideShown(!isWideShown);
    localStorage.setItem(STORED_AS, isWideShown ? "hidden" : "shown");
  };
  return {
    element,
    showButton,
    isShown: isNarrow ? isDrawerOpen : isWideShown,
    toggle,
    leaveDrawer: () => setDrawerOpen(false),
  };
}
