import type { RemoteThreadListAdapter, ThreadMessage } from "@assistant-ui/react";
import { createAssistantStream } from "assistant-stream";
import { bodyOf, connect, type Summary } from "../shared/client.js";
import { ChatSessionsError, type Connection } from "../shared/connection.js";
import { Histories } from "./history.js";
import { replacementOf } from "./merge-patch.js";

export { ChatSessionsError, type Connection };

export interface ThreadListOptions extends Connection {
  /** Returns the title of a thread from its first messages. By default, it is the beginning of the first one. */
  nameThread?: (messages: readonly ThreadMessage[]) => string | Promise<string>;
}

const SESSIONS = "/api/chat/sessions";
const SESSION = "/api/chat/sessions/{session_id}";
const PAGE = 50;
const MAX_TITLE = 200;

/** Stores threads and their messages in chat-sessions. Create it once, outside of components. */
export function createThreadListAdapter(options: ThreadListOptions): RemoteThreadListAdapter {
  const client = connect(options);
  const histories = new Histories(client);
  const minted = new Map<string, string>();
  const paramsOf = (id: string) => ({ path: { session_id: id } });

  async function change(id: string, body: { title?: string; is_archived?: boolean }): Promise<void> {
    await client.PATCH(SESSION, { params: paramsOf(id), body });
  }

  async function read(id: string) {
    return bodyOf(await client.GET(SESSION, { params: { ...paramsOf(id), query: { limit: 1 } } }));
  }

  return {
    async list({ after } = {}) {
      const query = { limit: PAGE, archived: "any" as const, ...(after && { cursor: after }) };
      const page = bodyOf(await client.GET(SESSIONS, { params: { query } }));
      return { threads: page.sessions.map(threadOf), nextCursor: page.next_cursor ?? undefined };
    },

    /** Safe to repeat: the same thread always gets the same session id. */
    async initialize(threadId, { custom } = {}) {
      const id = minted.get(threadId) ?? mintId();
      minted.set(threadId, id);
      const body = { id, ...(custom && { metadata: custom }) };
      return { remoteId: bodyOf(await client.POST(SESSIONS, { body })).id };
    },

    fetch: async (id) => threadOf(await read(id)),
    rename: (id, title) => change(id, { title }),
    archive: (id) => change(id, { is_archived: true }),
    unarchive: (id) => change(id, { is_archived: false }),

    async updateCustom(id, custom) {
      const { metadata } = await read(id);
      await client.PATCH(SESSION, { params: paramsOf(id), body: { metadata: replacementOf(metadata, custom ?? {}) } });
    },

    async delete(id) {
      await client.DELETE(SESSION, { params: paramsOf(id) }).catch(unlessMissing);
      histories.forget(id);
    },

    async generateTitle(id, messages) {
      const name = await (options.nameThread ?? beginningOf)(messages);
      const title = [...name.trim()].slice(0, MAX_TITLE).join("");
      if (title) {
        await change(id, { title });
      }
      return createAssistantStream((controller) => controller.appendText(title));
    },

    unstable_useAdapters: () => histories.useAdapters(),
  };
}

function threadOf(session: Omit<Summary, "messages">) {
  return {
    status: session.is_archived ? ("archived" as const) : ("regular" as const),
    remoteId: session.id,
    title: session.title ?? undefined,
    lastMessageAt: new Date(session.updated_at),
    custom: session.metadata,
  };
}

/** Ignores that a session does not exist: it may have been deleted elsewhere. */
function unlessMissing(error: unknown): void {
  if (!(error instanceof ChatSessionsError && error.type === "urn:chat-sessions:session-not-found")) {
    throw error;
  }
}

const MAX_NAME = 60;

/** Cuts between code points, since half a surrogate pair is not a valid title. */
function beginningOf(messages: readonly ThreadMessage[]): string {
  const parts = messages.find(({ role }) => role === "user")?.content ?? [];
  const text = parts.map((part) => (part.type === "text" ? part.text : "")).join(" ");
  const characters = [...text.replace(/\s+/g, " ").trim()];
  return characters.length > MAX_NAME ? `${characters.slice(0, MAX_NAME - 1).join("")}…` : characters.join("");
}

/** Mints an id, since `crypto.randomUUID` is missing on pages without TLS. */
function mintId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
