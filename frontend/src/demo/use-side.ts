import { useLayoutEffect, useRef, useState } from "react";

const STORED_AS = "chat-sessions:side";

/** Whether the sidebar is shown: beside the chat, as it was left the last time; on a narrow screen, while it is used. */
export function useSide(isNarrow: boolean) {
  const [isWideShown, setWideShown] = useState(() => localStorage.getItem(STORED_AS) !== "hidden");
  const [isDrawerOpen, setDrawerOpen] = useState(false);
  const element = useRef<HTMLDivElement>(null);
  const showButton = useRef<HTMLButtonElement>(null);
  const hadFocus = useRef(false);

  // The button that was pressed has gone: the focus goes to the one that takes it back, in the same place.
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
