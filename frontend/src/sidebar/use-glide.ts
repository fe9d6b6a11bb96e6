import { useEffect, useState } from "react";
import type { Summary } from "../api/types";
import type { Listing } from "../sessions/keys";

const LONGER_THAN_THE_TRANSITION = 200;

/** True for a moment after rows were removed or moved, so that the others glide into place. Search results swap at once. */
export function useGlide(sessions: readonly Summary[], { q, archived }: Listing): boolean {
  const shown = `${archived} ${q}`;
  const [before, setBefore] = useState({ sessions, shown });
  const [move, setMove] = useState<object | null>(null);
  if (before.sessions !== sessions || before.shown !== shown) {
    setBefore({ sessions, shown });
    setMove(q === "" && before.shown === shown && !isContinued(before.sessions, sessions) ? {} : null);
  }
  useEffect(() => {
    const timer = move && setTimeout(() => setMove(null), LONGER_THAN_THE_TRANSITION);
    return () => clearTimeout(timer ?? undefined);
  }, [move]);
  return move !== null;
}

function isContinued(before: readonly Summary[], sessions: readonly Summary[]): boolean {
  return before.every(({ id }, index) => id === sessions[index]?.id);
}
