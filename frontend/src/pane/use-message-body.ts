import { useEffect, useState } from "react";

type Renderer = typeof import("../messages/message-body");

// After this wait, plain text is better than nothing.
const MAX_WAIT = 2_000;

let loaded: Renderer | null = null;

async function load(): Promise<Renderer> {
  loaded ??= await import("../messages/message-body");
  return loaded;
}

/** Loads the code that renders messages, which are plain text without it; each new `again` retries a failed load. */
export function useMessageBody(again: unknown) {
  const [renderer, setRenderer] = useState(loaded);
  const [isLate, setLate] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new value retries
  useEffect(() => {
    if (!renderer) {
      load().then(setRenderer, () => setLate(true));
    }
  }, [renderer, again]);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), MAX_WAIT);
    return () => clearTimeout(timer);
  }, []);
  return { Body: renderer?.MessageBody ?? null, isLoading: !renderer && !isLate };
}
