import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Summary } from "../api/types";

/** One row of the list is in the tab order (roving tabindex); arrow keys move it, and it survives deletions. */
export function useListFocus(sessions: readonly Summary[], preferredId: string | null) {
  const [movedTo, setMovedTo] = useState<string | null>(null);
  const rows = useRef(new Map<string, HTMLElement>());
  const wanted = useRef<string | null>(null);
  const focused = useRef<string | null>(null);
  const before = useRef(sessions);

  const has = (id: string | null) => id !== null && sessions.some((session) => session.id === id);
  const activeId = has(movedTo) ? movedTo : has(preferredId) ? preferredId : (sessions[0]?.id ?? null);

  const register = useCallback((id: string, element: HTMLElement | null) => {
    if (element) {
      rows.current.set(id, element);
    } else {
      rows.current.delete(id);
    }
  }, []);

  const focusRow = useCallback((id: string) => {
    setMovedTo(id);
    wanted.current = id;
    rows.current.get(id)?.focus();
  }, []);

  useEffect(() => {
    const row = wanted.current === null ? undefined : rows.current.get(wanted.current);
    if (row) {
      wanted.current = null;
      row.focus();
    }
  });

  // A row that had the focus may be deleted elsewhere: the focus goes to its neighbour, not to the top of the page.
  useLayoutEffect(() => {
    const lost = focused.current;
    if (lost !== null && !sessions.some((session) => session.id === lost)) {
      const neighbour = neighbourOf(before.current, (id) => !sessions.some((session) => session.id === id), lost);
      focused.current = null;
      if (neighbour && (document.activeElement === document.body || document.activeElement === null)) {
        focusRow(neighbour);
      } else {
        setMovedTo(neighbour);
      }
    }
    before.current = sessions;
  }, [sessions, focusRow]);

  return {
    activeId,
    register,
    focusRow,
    onFocus: (id: string) => {
      focused.current = id;
      setMovedTo(id);
    },
    onBlur: (isGoingElsewhere: boolean) => {
      if (isGoingElsewhere) {
        focused.current = null;
      }
    },
  };
}

/** The next row that stays, or else the one before. */
export function neighbourOf(
  sessions: readonly Summary[],
  isGoing: (id: string) => boolean,
  from: string,
): string | null {
  const start = sessions.findIndex((session) => session.id === from);
  const stays = (session: Summary) => !isGoing(session.id);
  return (sessions.slice(start).find(stays) ?? sessions.slice(0, Math.max(start, 0)).findLast(stays))?.id ?? null;
}
