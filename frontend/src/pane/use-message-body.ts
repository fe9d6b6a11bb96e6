import { useEffect, useState } from "react";

type Drawing = typeof import("../messages/message-body");

// After this wait, plain text is better than nothing.
const MAX_WAIT = 2_000;

let loaded: Drawing | null = null;

async function load(): Promise<Drawing> {
  loaded ??= await import("../messages/message-body");
  return loaded;
}

/** Loads the code that draws messages. Without it they are plain text; each new `again` retries a failed load. */
export function useMessageBody(again: unknown) {
  const [drawing, setDrawing] = useState(loaded);
  const [isLate, setLate] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new value retries
  useEffect(() => {
    if (!drawing) {
      load().then(setDrawing, () => setLate(true));
    }
  }, [drawing, again]);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), MAX_WAIT);
    return () => clearTimeout(timer);
  }, []);
  return { Body: drawing?.MessageBody ?? null, isLoading: !drawing && !isLate };
}
