import { useEffect, useRef, useState } from "react";
import type { Summary } from "../api/types";
import { type Page, useLoadAll } from "./use-load-all";

const SETTLE_MS = 100;

/** The End key: loads page after page and focuses the last row. Any other input stops it. */
export function useEndKey(sessions: readonly Summary[], page: Page, focusRow: (id: string) => void) {
  const [isGoing, setGoing] = useState(false);
  const lastId = sessions.at(-1)?.id;
  const latest = useRef(focusRow);
  useEffect(() => {
    latest.current = focusRow;
  });
  useEffect(() => {
    if (isGoing && lastId !== undefined) {
      latest.current(lastId);
    }
  }, [isGoing, lastId]);
  useEffect(() => {
    if (!isGoing || page.hasMore) {
      return;
    }
    // Rows are measured after they render, which can move the last one out of view again.
    const settled = setTimeout(() => {
      if (lastId !== undefined) {
        latest.current(lastId);
      }
      setGoing(false);
    }, SETTLE_MS);
    return () => clearTimeout(settled);
  }, [isGoing, page.hasMore, lastId]);
  useLoadAll(isGoing, page, () => setGoing(false));
  return { go: () => setGoing(true), stop: () => setGoing(false) };
}
