import { HttpResponse, http } from "msw";
import { afterEach, expect, test, vi } from "vitest";
import { BASE_URL, problem, SESSIONS, service, tooManyRequests } from "../test/service";
import { createApi } from "./client";
import { type SessionEvent, watchSessions } from "./watch-sessions";

const EVENTS = `${SESSIONS}/events`;
let abort = new AbortController();

afterEach(() => abort.abort());

function watch() {
  abort = new AbortController();
  const events: SessionEvent[] = [];
  const feed = {
    signal: abort.signal,
    position: { lastEventId: "" },
    onOpen: vi.fn(),
    onLost: vi.fn(),
    onEvent: (event: SessionEvent) => void events.push(event),
  };
  watchSessions(
    createApi(BASE_URL, () => "token"),
    feed,
  );
  return { events, ...feed };
}

function stream(text: string) {
  return new HttpResponse(text, { headers: { "Content-Type": "text/event-stream" } });
}

test("comments and unknown events are ignored", async () => {
  service.server.use(
    http.get(EVENTS, () =>
      stream(
        ": welcome\nretry: 1000\n\n" +
          'event: session.created\nid: 1-0\ndata: {"id": "a"}\n\n' +
          'event: something.else\ndata: {"id": "b"}\n\n' +
          'event: session.deleted\nid: 2-0\ndata: {"id": "a"}\n\n' +
          "event: reset\nid: 3-0\ndata: {}\n\n",
      ),
    ),
  );
  const { events, position } = watch();
  await vi.waitFor(() => expect(position.lastEventId).toBe("3-0"));
  expect(events).toEqual([
    { type: "session.created", id: "a" },
    { type: "session.deleted", id: "a" },
    { type: "reset" },
  ]);
});

test("when the stream ends, it reconnects and resumes", async () => {
  const resumedFrom: (string | null)[] = [];
  service.server.use(
    http.get(EVENTS, ({ request }) => {
      resumedFrom.push(request.headers.get("Last-Event-ID"));
      return stream('event: session.updated\nid: 7-1\ndata: {"id": "a"}\n\n');
    }),
  );
  const { onOpen, onLost } = watch();
  await vi.waitFor(() => expect(resumedFrom).toEqual([null, "7-1"]), { timeout: 5_000 });
  expect(onOpen.mock.calls).toEqual([[{ quietMs: 0 }], [{ quietMs: Number.POSITIVE_INFINITY }]]);
  expect(onLost).toHaveBeenCalled();
});

test("a new stream says for how long nothing has changed, and resumes from where it opened", async () => {
  const resumedFrom: (string | null)[] = [];
  service.server.use(
    http.get(EVENTS, ({ request }) => {
      resumedFrom.push(request.headers.get("Last-Event-ID"));
      return stream('event: opened\nid: 7-1\ndata: {"type": "opened", "id": null, "quiet_ms": 1234}\n\n: alive\n\n');
    }),
  );
  const { events, onOpen } = watch();
  await vi.waitFor(() => expect(resumedFrom).toEqual([null, "7-1"]), { timeout: 10_000 });
  expect(onOpen).toHaveBeenNthCalledWith(1, { quietMs: 1234 });
  expect(events).toEqual([]);
});

test.each([
  ["a comment", ": alive\n\n"],
  ["no duration", 'event: opened\nid: 7-1\ndata: {"type": "opened", "id": null}\n\n'],
])("a new stream that begins with %s may have missed anything", async (_, text) => {
  service.server.use(http.get(EVENTS, () => stream(text)));
  const { onOpen } = watch();
  await vi.waitFor(() => expect(onOpen).toHaveBeenCalledWith({ quietMs: 0 }), { timeout: 10_000 });
});

test("repeated failures slow the reconnects down", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  let attempts = 0;
  service.server.use(
    http.get(EVENTS, () => {
      attempts += 1;
      return problem(503, "database-unavailable");
    }),
  );
  watch();
  await vi.advanceTimersByTimeAsync(60_000);
  vi.useRealTimers();
  expect(attempts).toBeGreaterThan(3);
  expect(attempts).toBeLessThan(15);
});

test("it does not reconnect before Retry-After", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  let attempts = 0;
  service.server.use(
    http.get(EVENTS, () => {
      attempts += 1;
      return tooManyRequests(60);
    }),
  );
  watch();
  await vi.advanceTimersByTimeAsync(59_000);
  const early = attempts;
  await vi.advanceTimersByTimeAsync(5_000);
  vi.useRealTimers();
  expect([early, attempts]).toEqual([1, 2]);
});
