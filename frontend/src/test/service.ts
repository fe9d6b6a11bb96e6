import { waitFor } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { expect } from "vitest";
import type { Message, NewMessage, SessionChange, Summary } from "../api/types";

export const BASE_URL = "http://service.test";
const SESSIONS = `${BASE_URL}/api/chat/sessions`;

const PAUSE = 5;
// Some tests leave a request pending.
const MAX_WAIT = 1_000;

interface Appending {
  messages: NewMessage[];
  after_sequence?: number;
}

/** An in-memory service with just what the component tests need. */
class TestService {
  sessions: Summary[] = [];
  /** The text of a message that a search can find, by session. */
  snippets: Record<string, string> = {};
  messages = new Map<string, Message[]>();
  /** The bodies of requests that append messages. */
  appended: Appending[] = [];
  /** All requests, such as "GET /api/chat/sessions?limit=50". */
  requests: string[] = [];
  readonly #pending = new Set<string>();
  #openFeed: (() => void) | null = null;
  #opening = "";
  #feed: ReadableStreamDefaultController<string> | null = null;

  readonly server = setupServer(
    http.all(`${BASE_URL}/*`, ({ request }) => {
      const { pathname, search } = new URL(request.url);
      this.requests.push(`${request.method} ${pathname}${search}`);
    }),
    http.get(`${SESSIONS}/events`, async () => {
      await new Promise<void>((resolve) => {
        this.#openFeed = resolve;
      });
      const body = new ReadableStream<string>({
        start: (controller) => {
          this.#feed = controller;
          controller.enqueue(this.#opening);
        },
      }).pipeThrough(new TextEncoderStream());
      return new HttpResponse(body, { headers: { "Content-Type": "text/event-stream" } });
    }),
    http.get(SESSIONS, ({ request }) => {
      const query = new URL(request.url).searchParams;
      const isArchive = query.get("archived") === "true";
      const sessions = this.sessions.filter(
        ({ is_archived }) => is_archived === isArchive || query.get("archived") === "any",
      );
      return HttpResponse.json({ sessions, total: sessions.length, next_cursor: null });
    }),
    http.get(`${SESSIONS}/search`, ({ request }) => {
      const q = new URL(request.url).searchParams.get("q")?.toLowerCase() ?? "";
      const isInMessages = (id: string) => this.snippets[id]?.toLowerCase().includes(q);
      const found = this.sessions.filter(
        ({ id, title }) => (title ?? "").toLowerCase().includes(q) || isInMessages(id),
      );
      const results = found.map((session) => ({
        session,
        message: isInMessages(session.id) ? { sequence: 0, role: "user", snippet: this.snippets[session.id] } : null,
      }));
      return HttpResponse.json({ results, next_cursor: null });
    }),
    http.post(SESSIONS, async ({ request }) => {
      const { id, title } = (await request.json()) as Summary;
      const session = summary(title ?? null, { id });
      this.sessions.unshift(session);
      return HttpResponse.json(session, { status: 201 });
    }),
    http.post(`${SESSIONS}/batch-delete`, async ({ request }) => {
      const { ids, dry_run } = (await request.json()) as { ids?: string[]; dry_run?: boolean };
      const deleted = this.sessions.map(({ id }) => id).filter((id) => !ids || ids.includes(id));
      if (!dry_run) {
        this.sessions = this.sessions.filter(({ id }) => !deleted.includes(id));
      }
      return HttpResponse.json({ deleted, not_found: [], count: deleted.length });
    }),
    http.get<{ id: string }>(`${SESSIONS}/:id`, ({ params, request }) => {
      const session = this.sessions.find(({ id }) => id === params.id);
      const body = { ...session, ...this.#page(params.id, request.url) };
      return session ? HttpResponse.json(body, { headers: { ETag: this.#tagOf(params.id) } }) : notFound();
    }),
    http.post<{ id: string }, Appending>(`${SESSIONS}/:id/messages`, async ({ params, request }) => {
      const { messages, after_sequence } = await request.json();
      this.appended.push({ messages, ...(after_sequence !== undefined && { after_sequence }) });
      if (after_sequence !== undefined && after_sequence !== this.#endOf(params.id)) {
        return problem(412, "end-moved");
      }
      return HttpResponse.json({ messages: this.append(params.id, messages) }, { status: 201 });
    }),
    http.delete<{ id: string }>(`${SESSIONS}/:id/messages`, ({ params, request }) => {
      if (request.headers.get("If-Match") !== this.#tagOf(params.id)) {
        return problem(412, "precondition-failed");
      }
      this.cut(params.id, Number(new URL(request.url).searchParams.get("from_sequence")));
      return new HttpResponse(null, { status: 204 });
    }),
    http.patch<{ id: string }, SessionChange>(`${SESSIONS}/:id`, async ({ params, request }) => {
      const session = this.sessions.find(({ id }) => id === params.id);
      return session ? HttpResponse.json(Object.assign(session, await request.json())) : notFound();
    }),
    http.delete<{ id: string }>(`${SESSIONS}/:id`, ({ params }) => {
      const isThere = this.sessions.some(({ id }) => id === params.id);
      this.sessions = this.sessions.filter(({ id }) => id !== params.id);
      return isThere ? new HttpResponse(null, { status: 204 }) : notFound();
    }),
  );

  constructor() {
    this.server.events.on("request:start", ({ request, requestId }) => {
      if (!request.url.endsWith("/events")) {
        this.#pending.add(requestId);
      }
    });
    this.server.events.on("request:end", ({ requestId }) => {
      this.#pending.delete(requestId);
    });
  }

  /** Creates a chat with these messages, and returns its id. */
  chat(...messages: object[]): string {
    const session = summary("Alpha");
    this.sessions.push(session);
    this.append(session.id, messages);
    return session.id;
  }

  append(chat: string, messages: readonly object[]): Message[] {
    const before = this.messages.get(chat) ?? [];
    const added = messages.map((message, index) => stored(before.length + index, message));
    this.messages.set(chat, [...before, ...added]);
    return added;
  }

  cut(chat: string, from: number): void {
    this.messages.set(
      chat,
      (this.messages.get(chat) ?? []).filter(({ sequence }) => sequence < from),
    );
  }

  #endOf(chat: string): number {
    return (this.messages.get(chat) ?? []).length - 1;
  }

  #tagOf(chat: string): string {
    const title = this.sessions.find(({ id }) => id === chat)?.title;
    return `"${encodeURIComponent(title ?? "")} ${this.messages.get(chat)?.at(-1)?.id}"`;
  }

  #page(chat: string, url: string) {
    const query = new URL(url).searchParams;
    const before = Number(query.get("before_sequence") ?? Number.POSITIVE_INFINITY);
    const limit = Number(query.get("limit") ?? 50);
    const older = (this.messages.get(chat) ?? []).filter(({ sequence }) => sequence < before);
    const messages = older.slice(-limit);
    const oldest_sequence = messages[0]?.sequence ?? null;
    return { messages, has_more_messages: messages.length < older.length, oldest_sequence };
  }

  /** Waits for the page's pending requests, or the next test's handlers would respond to them. */
  async reset(): Promise<void> {
    for (let waited = 0; waited < MAX_WAIT && (waited === 0 || this.#pending.size > 0); waited += PAUSE) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    this.server.resetHandlers();
    this.sessions = [];
    this.snippets = {};
    this.messages.clear();
    this.appended = [];
    this.requests = [];
    this.#pending.clear();
    this.#openFeed = null;
    this.#feed = null;
  }

  /** Opens the feed that the page has requested. Nothing has changed for `quietMs` milliseconds. */
  async openQuietFeed(quietMs: number): Promise<void> {
    await this.#open(`event: opened\nid: 0-0\ndata: {"type":"opened","id":null,"quiet_ms":${quietMs}}\n\n`);
  }

  async #open(opening: string): Promise<void> {
    await waitFor(() => expect(this.#openFeed).not.toBeNull());
    this.#opening = opening;
    this.#openFeed?.();
    await waitFor(() => expect(this.#feed).not.toBeNull());
  }

  /** Opens the feed that the page has requested, and waits until the page has refetched everything it shows. */
  async openFeed(): Promise<void> {
    const before = this.requests.length;
    await this.#open(": welcome\n\n");
    await waitFor(() => {
      expect(this.requests.length).toBeGreaterThan(before);
      expect(this.#pending.size).toBe(0);
    });
  }

  /** Sends an event to the page. */
  emit(event: string, data: object, id = "1-0"): void {
    if (!this.#feed) {
      throw new Error("The feed is not open. Call openFeed() first.");
    }
    this.#feed.enqueue(`event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
  }
}

export const service = new TestService();

let made = 0;
let madeMessages = 0;
const started = Date.now();

/** Each one is older than the previous one, however slow the machine is. */
export function summary(title: string | null, given: Partial<Summary> = {}): Summary {
  made += 1;
  const time = new Date(started - made).toISOString();
  const flags = { is_pinned: false, is_archived: false };
  return {
    id: `id-${made}`,
    user_id: "u",
    title,
    created_at: time,
    updated_at: time,
    ...flags,
    metadata: {},
    ...given,
  };
}

function stored(sequence: number, message: object): Message {
  const nothing = {
    content: null,
    name: null,
    tool_call_id: null,
    refusal: null,
    tool_calls: null,
    function_call: null,
  };
  madeMessages += 1;
  const id = `message-${madeMessages}`;
  return {
    id,
    role: "user",
    created_at: new Date(started).toISOString(),
    metadata: {},
    ...nothing,
    ...message,
    sequence,
  };
}

export function problem(status: number, kind: string) {
  const document = { type: `urn:chat-sessions:${kind}`, title: kind, status, detail: "Not right now." };
  return HttpResponse.json(document, { status, headers: { "Content-Type": "application/problem+json" } });
}

export function tooManyRequests(seconds: number) {
  const response = problem(429, "too-many-requests");
  response.headers.set("Retry-After", String(seconds));
  return response;
}

export function notFound() {
  return problem(404, "session-not-found");
}

export { SESSIONS };
