import { useState } from "react";
import type { Summary } from "../api/types";

/** Choosing several sessions; `chosen` is null while nobody does. */
export function useChoice(sessions: readonly Summary[]) {
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(null);
  const [anchor, setAnchor] = useState<string | null>(null);

  return {
    chosen,
    start: (id?: string) => {
      setChosen(new Set(id ? [id] : []));
      setAnchor(id ?? null);
    },
    stop: () => setChosen(null),
    drop: (ids: readonly string[]) =>
      setChosen((before) => before && new Set([...before].filter((id) => !ids.includes(id)))),
    chooseAll: () => setChosen(new Set(sessions.map((session) => session.id))),
    toggle: (id: string) => {
      setChosen((before) => {
        const after = new Set(before);
        return after.delete(id) ? after : after.add(id);
      });
      setAnchor(id);
    },
    /** Everything from the one touched last to this one. */
    extend: (id: string) => {
      const ids = sessions.map((session) => session.id);
      const [from, to] = [ids.indexOf(anchor ?? id), ids.indexOf(id)].sort((a, b) => a - b);
      setChosen((before) => new Set([...(before ?? []), ...ids.slice(from, (to ?? 0) + 1)]));
    },
  };
}

export type Choice = ReturnType<typeof useChoice>;
