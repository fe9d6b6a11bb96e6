import { EventSourceParserStream } from "eventsource-parser/stream";
import type { Api } from "./client";
import { retryAfter } from "./problem";

export type SessionEvent =
  | { type: "session.created" | "session.updated" | "session.deleted"; id: string }
  | { type: "reset" };

export interface Feed {
  signal: AbortSignal;
  /** Where the feed stopped last time; kept by the caller, so that it outlives a pause. */
  position: { lastEventId: string };
  onOpen: (opened: { resumed: boolean }) => void;
  onEvent: (event: SessionEvent) => void;
  onLost: () => void;
}

// The service sends a sign of life every 15 seconds.
const SILENCE = 40_000;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
const LASTED = 5_000;

/** Follows the event feed until the signal aborts: reconnects with growing pauses, and resumes where it was. */
export async function watchSessions(api: Api, feed: Feed): Promise<void> {
  let failures = 0;
  while (!feed.signal.aborted) {
    const started = Date.now();
    let asked = 0;
    try {
      await follow(api, feed);
    } catch (error) {
      // Whatever ended the stream, the answer is the same: connect again, but not before the service wants it.
      asked = retryAfter(error);
    }
    if (feed.signal.aborted) {
      return;
    }
    failures = Date.now() - started > LASTED ? 0 : failures + 1;
    if (failures > 0) {
      feed.onLost();
    }
    const growing = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** failures) * (0.75 + Math.random() / 2);
    await pause(Math.max(asked, growing), feed.signal);
  }
}

async function follow(api: Api, { signal, position, onOpen, onEvent }: Feed): Promise<void> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE);
  const stillAlive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE);
  };
  try {
    const { lastEventId } = position;
    const response = await api.stream("/api/chat/sessions/events", {
      headers: { Accept: "text/event-stream", ...(lastEventId && { "Last-Event-ID": lastEventId }) },
      signal: AbortSignal.any([signal, silence.signal]),
      cache: "no-store",
    });
    onOpen({ resumed: lastEventId !== "" });
    const reader = response.body
      ?.pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream({ onComment: stillAlive }))
      .getReader();
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
      stillAlive();
      position.lastEventId = next.value.id ?? position.lastEventId;
      const event = eventOf(next.value.event, next.value.data);
      if (event) {
        onEvent(event);
      }
    }
  } finally {
    clearTimeout(timer);
  }
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

/** Ends early when the network comes back. */
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
