import { useEffect, useRef, useState } from "react";
import type { Summary } from "../api/types";
import type { Search } from "./use-search";

/** Enter opens the first hit as soon as the results for the typed text are there. `found` is null until then. */
export function useFirstHit({ typed, search }: Search, found: readonly Summary[] | null, open: (hit: Summary) => void) {
  const [wanted, setWanted] = useState<string | null>(null);
  const latest = useRef(open);
  useEffect(() => {
    latest.current = open;
  });
  const text = typed.trim();
  useEffect(() => {
    if (wanted === null || (wanted === text && (search !== text || found === null))) {
      return;
    }
    setWanted(null);
    const hit = wanted === text ? found?.[0] : undefined;
    if (hit) {
      latest.current(hit);
    }
  }, [wanted, text, search, found]);
  return { want: () => setWanted(text === "" ? null : text) };
}
