import { useEffect, useRef, useState } from "react";
import type { Summary } from "../api/types";
import { type Page, useLoadAll } from "./use-load-all";

/** End leads to the last row of all, however many pages that takes; whatever else the user does ends it. */
export function useEnd(sessions: readonly Summary[], page: Page, focusRow: (id: string) => void) {
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
    if (isGoing && !page.hasMore) {
      setGoing(false);
    }
  }, [isGoing, page.hasMore]);
  useLoadAll(isGoing, page, () => setGoing(false));
  return { go: () => setGoing(true), stop: () => setGoing(false) };
}
