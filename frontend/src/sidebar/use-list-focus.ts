import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Summary } from "../api/types";
import { useDeletedIds } from "../sessions/deleted-sessions";

/**
 * One row of the list is in the tab order (roving tabindex); arrow keys move it, and it survives deletions. While the
 * user renames a row, `rest` takes the focus if the row is deleted, so that the next letters act on no other row.
 */
export function useListFocus(sessions: readonly Summary[], preferredId: string | null, rest: (() => void) | null) {
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
    const row = rows.current.get(id);
    row?.focus();
    // Once the row has the focus, forget it: the user may move on before the list renders again.
    wanted.current = row && document.activeElement === row ? null : id;
  }, []);

  useEffect(() => {
    const row = wanted.current === null ? undefined : rows.current.get(wanted.current);
    if (row) {
      wanted.current = null;
      row.focus();
    }
  });

  // If the focused row is deleted elsewhere, focus its neighbour, not the top of the page.
  const deletedIds = useDeletedIds();
  useLayoutEffect(() => {
    const isThere = (id: string) => sessions.some((session) => session.id === id);
    const hadFocus = focused.current !== null && !isThere(focused.current);
    const lost = hadFocus ? focused.current : movedTo;
    if (lost !== null && (hadFocus || deletedIds.has(lost)) && !isThere(lost)) {
      const neighbour = neighbourOf(before.current, (id) => !isThere(id), lost);
      const isFocusFree = document.activeElement === document.body || document.activeElement === null;
      focused.current = null;
      setMovedTo(neighbour);
      if (hadFocus && isFocusFree) {
        (rest ?? (() => neighbour && focusRow(neighbour)))();
      }
    }
    before.current = sessions;
  }, [sessions, deletedIds, movedTo, rest, focusRow]);

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

/** The next row that remains, or else the previous one. */
export function neighbourOf(
  sessions: readonly Summary[],
  isGoing: (id: string) => boolean,
  from: string,
): string | null {
  const start = sessions.findIndex((session) => session.id === from);
  const stays = (session: Summary) => !isGoing(session.id);
  return (sessions.slice(start).find(stays) ?? sessions.slice(0, Math.max(start, 0)).findLast(stays))?.id ?? null;
}
