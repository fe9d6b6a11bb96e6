import { useEffect, useState } from "react";

type Drawing = typeof import("../messages/message-body");

let loaded: Drawing | null = null;

async function load(): Promise<Drawing> {
  loaded ??= await import("../messages/message-body");
  return loaded;
}

/** Call when a chat is about to open. A failure is retried once it has. */
export function preloadMessageBody(): void {
  load().catch(() => undefined);
}

/** Null until the code has loaded; messages are plain text until then. Each new `again` retries a failed load. */
export function useMessageBody(again: unknown): Drawing["MessageBody"] | null {
  const [drawing, setDrawing] = useState(loaded);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new value retries
  useEffect(() => {
    if (!drawing) {
      load().then(setDrawing, () => undefined);
    }
  }, [drawing, again]);
  return drawing?.MessageBody ?? null;
}
