import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Message } from "../api/types";

/** Within this many pixels counts as being at the end. */
const NEAR = 48;

/** Whether the newest message is in view, and how many have arrived since it last was. */
export function useEnd(scroller: RefObject<HTMLElement | null>, messages: readonly Message[]) {
  const newest = messages.at(-1)?.sequence ?? -1;
  const [isAtEnd, setAtEnd] = useState(true);
  const [seen, setSeen] = useState(newest);
  useEffect(() => {
    // After a cut, the same sequences are used again.
    setSeen((before) => (isAtEnd ? newest : Math.min(before, newest)));
  }, [isAtEnd, newest]);

  useKeptPlace(scroller, newest, messages, isAtEnd);

  return {
    isAtEnd,
    unseen: isAtEnd ? 0 : messages.filter(({ sequence }) => sequence > seen).length,
    // The scroller is reversed, so its end is at 0.
    onScroll: () => setAtEnd(Math.abs(scroller.current?.scrollTop ?? 0) < NEAR),
    toEnd: () => scroller.current?.scrollTo({ top: 0 }),
  };
}

/** Keeps the reading position when messages arrive below. Safari has no scroll anchoring. */
function useKeptPlace(
  scroller: RefObject<HTMLElement | null>,
  newest: number,
  messages: readonly Message[],
  isAtEnd: boolean,
): void {
  const before = useRef({ newest, height: 0 });
  // biome-ignore lint/correctness/useExhaustiveDependencies: loading older messages also changes the height
  useLayoutEffect(() => {
    const element = scroller.current;
    const height = element?.scrollHeight ?? 0;
    if (element && newest > before.current.newest && !isAtEnd && !CSS.supports("overflow-anchor", "auto")) {
      element.scrollTop -= height - before.current.height;
    }
    before.current = { newest, height };
  }, [scroller, newest, messages, isAtEnd]);
}
