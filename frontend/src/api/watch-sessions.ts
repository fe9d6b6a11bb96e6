import { createParser } from "eventsource-parser";
import type { Api } from "./client";
import { retryAfter } from "./problem";

export type SessionEvent =
  | { type: "session.created" | "session.updated" | "session.deleted"; id: string }
  | { type: "reset" };

export interface Feed {
  signal: AbortSignal;
  /** Where the feed stopped last time. The caller keeps it, so that a later call resumes there. */
  position: { lastEventId: string };
  /** What was requested in the last `quietMs` milliseconds is current, and later changes arrive as events. */
  onOpen: (opened: { quietMs: number }) => void;
  onEvent: (event: SessionEvent) => void;
  onLost: () => void;
}

// The service sends a heartbeat every 15 seconds.
const MAX_SILENCE = 40_000;
const FIRST_DELAY = 500;
const MAX_DELAY = 15_000;
// A connection that lasts this long resets the backoff.
const STABLE_AFTER = 5_000;

/** Follows the event feed until the signal aborts. Reconnects with exponential backoff and resumes where it stopped. */
export async function watchSessions(api: Api, feed: Feed): Promise<void> {
  let failures = 0;
  while (!feed.signal.aborted) {
    const started = Date.now();
    let minimum = 0;
    try {
      await follow(api, feed);
    } catch (error) {
      // Whatever ended the stream, reconnect, but no sooner than Retry-After.
      minimum = retryAfter(error);
    }
    if (feed.signal.aborted) {
      return;
    }
    failures = Date.now() - started > STABLE_AFTER ? 0 : failures + 1;
    if (failures > 0) {
      feed.onLost();
    }
    const backoff = Math.min(MAX_DELAY, FIRST_DELAY * 2 ** failures) * (0.75 + Math.random() / 2);
    await pause(Math.max(minimum, backoff), feed.signal);
  }
}

async function follow(api: Api, { signal, position, onOpen, onEvent }: Feed): Promise<void> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), MAX_SILENCE);
  const resetTimer = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), MAX_SILENCE);
  };
  try {
    const { lastEventId } = position;
    let isOpen = false;
    const open = (quietMs: number) => {
      if (!isOpen) {
        isOpen = true;
        onOpen({ quietMs });
      }
    };
    const response = await api.stream("/api/chat/sessions/events", {
      headers: { Accept: "text/event-stream", ...(lastEventId && { "Last-Event-ID": lastEventId }) },
      signal: AbortSignal.any([signal, silence.signal]),
      cache: "no-store",
    });
    if (lastEventId !== "") {
      open(Number.POSITIVE_INFINITY);
    }
    const parser = createParser({
      onComment: () => open(0),
      onEvent: ({ id, event, data }) => {
        position.lastEventId = id ?? position.lastEventId;
        open(event === "opened" ? quietMsOf(data) : 0);
        const change = eventOf(event, data);
        if (change) {
          onEvent(change);
        }
      },
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
      resetTimer();
      parser.feed(next.value);
    }
  } finally {
    clearTimeout(timer);
  }
}

function quietMsOf(data: string): number {
  return (JSON.parse(data) as { quiet_ms?: number }).quiet_ms ?? 0;
}

function eventOf(type: string | undefined, data: string): SessionEvent | null {
  switch (type) {
    case "session.created":
    case "session.updated":
    case "session.deleted":
      return { type, id: (JSON.parse(data) as { id: string }).id };
    case "reset":
      return { type };
    default:
      return null;
  }
}

/** Resolves early when the network is back. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    addEventListener("online", end);
    signal.addEventListener("abort", end);
  });
}
