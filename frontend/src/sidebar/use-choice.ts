import { useEffect, useMemo, useState } from "react";
import type { Summary } from "../api/types";
import { useDeletedIds } from "../sessions/deleted-sessions";

export type Chosen = ReadonlyMap<string, Summary>;

/** The chosen sessions; null unless the user is choosing. A search may hide some of them, but does not drop them. */
export function useChoice(sessions: readonly Summary[], hasMore: boolean) {
  const [picked, setPicked] = useState<Chosen | null>(null);
  const [anchor, setAnchor] = useState<string | null>(null);
  /** Choose all sessions, including those that are not loaded yet. */
  const [wantsAll, setWantsAll] = useState(false);
  const deletedIds = useDeletedIds();
  const chosen = useMemo(
    () => picked && new Map([...picked].filter(([id]) => !deletedIds.has(id))),
    [picked, deletedIds],
  );

  useEffect(() => {
    if (wantsAll) {
      setPicked((before) => withAll(before, sessions));
      setWantsAll(hasMore);
    }
  }, [wantsAll, sessions, hasMore]);

  const set = (next: Chosen | null) => {
    setWantsAll(false);
    setPicked(next);
  };

  return {
    chosen,
    /** How many of the chosen sessions the search hides. */
    hiddenCount: chosen ? chosen.size - sessions.filter(({ id }) => chosen.has(id)).length : 0,
    isChoosingAll: wantsAll,
    start: (session?: Summary) => {
      set(withAll(null, session ? [session] : []));
      setAnchor(session?.id ?? null);
    },
    stop: () => set(null),
    chooseAll: () => setWantsAll(true),
    /** Stops when further sessions cannot be loaded. */
    stopChoosingAll: () => setWantsAll(false),
    toggle: (session: Summary) => {
      const after = new Map(chosen);
      set(after.delete(session.id) ? after : after.set(session.id, session));
      setAnchor(session.id);
    },
    /** Chooses the range from the last toggled session to this one. */
    extend: ({ id }: Summary) => {
      const positionOf = (wanted: string | null) => sessions.findIndex((session) => session.id === wanted);
      const to = positionOf(id);
      const from = positionOf(anchor) < 0 ? to : positionOf(anchor);
      set(withAll(chosen, sessions.slice(Math.min(from, to), Math.max(from, to) + 1)));
    },
  };
}

function withAll(before: Chosen | null, sessions: readonly Summary[]): Chosen {
  return new Map([...(before ?? []), ...sessions.map((session) => [session.id, session] as const)]);
}
