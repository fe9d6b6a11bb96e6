import assert from "node:assert/strict";
import { chatFetch } from "./adapter.js";

// Shaped like AutoGPT's front end: generated calls that pass a URL to one function, which returns status and data.
const { API = "", TOKEN = "" } = process.env;

async function send(method: string, path: string, data?: unknown): Promise<{ status: number; data: any }> {
  const headers: Record<string, string> = { Authorization: `Bearer ${TOKEN}` };
  const init = data === undefined ? { method, headers } : { method, headers, body: JSON.stringify(data) };
  if (data !== undefined) {
    headers["Content-Type"] = "application/json";
  }
  const response = await chatFetch(API + path, init);
  const isJson = response.headers.get("content-type")?.includes("application/json");
  return { status: response.status, data: isJson ? await response.json() : await response.text() };
}

const listSessions = (query: string) => send("GET", `/api/chat/sessions?${query}`);
const createSession = (body: object | null) => send("POST", "/api/chat/sessions", body);
const getSession = (id: string, query = "") => send("GET", `/api/chat/sessions/${id}${query}`);
const updateTitle = (id: string, title: string) => send("PATCH", `/api/chat/sessions/${id}/title`, { title });
const updatePinned = (id: string, is_pinned: boolean) => send("PATCH", `/api/chat/sessions/${id}/pinned`, { is_pinned });
const deleteSession = (id: string) => send("DELETE", `/api/chat/sessions/${id}`);
const search = (q: string) => send("GET", `/api/search/global?${new URLSearchParams({ q, per_type_limit: "4" })}`);

// New chat: plain, and with an expert.
const created = await createSession(null);
assert.equal(created.status, 200);
const id: string = created.data.id;
const expert = await createSession({ dry_run: false, expert_id: "lawyer" });
assert.deepEqual([expert.status, expert.data.expert_id, expert.data.metadata.dry_run], [200, "lawyer", false]);

// List: the shape of a row, the filter by expert.
const listed = await listSessions("limit=50&offset=0");
assert.deepEqual([listed.status, listed.data.total], [200, 2]);
const { created_at, updated_at, ...row } = listed.data.sessions.find((each: any) => each.id === id);
assert(Date.parse(created_at) <= Date.parse(updated_at));
const { title, is_pinned, chat_status, is_processing, source_platform, expert_id } = row;
assert.deepEqual(
  { title, is_pinned, chat_status, is_processing, source_platform, expert_id },
  { title: null, is_pinned: false, chat_status: "idle", is_processing: false, source_platform: null, expert_id: null },
);
const experts = await listSessions("limit=1&expert_id=lawyer&pinned_first=false");
assert.deepEqual(experts.data.sessions.map((each: any) => each.id), [expert.data.id]);

// Open: a page that ends at a tool result grows to the message that called the tool.
const tool_calls = [{ id: "t1", type: "function", function: { name: "weather", arguments: "{}" } }];
await fetch(`${API}/api/chat/sessions/${id}/messages`, {
  method: "POST",
  headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" },
  body: JSON.stringify({
    messages: [
      { role: "user", content: "How is the weather in Lisbon?" },
      { role: "assistant", content: null, tool_calls },
      { role: "tool", content: "Sunny", tool_call_id: "t1" },
    ],
  }),
});
const opened = await getSession(id, "?limit=1");
assert.equal(opened.status, 200);
assert.deepEqual(opened.data.messages.map((each: any) => each.role), ["assistant", "tool"]);
assert.deepEqual([opened.data.has_more_messages, opened.data.oldest_sequence], [true, 1]);
assert.deepEqual([opened.data.active_stream, opened.data.total_prompt_tokens, opened.data.user_id], [null, 0, "ada"]);
const older = await getSession(id, "?limit=50&before_sequence=1");
assert.deepEqual(older.data.messages.map((each: any) => each.sequence), [0]);

// Rename and pin.
assert.deepEqual(await updateTitle(id, "Weather"), { status: 200, data: { status: "ok" } });
assert.deepEqual(await updatePinned(id, true), { status: 200, data: { status: "ok" } });
const [first] = (await listSessions("limit=50")).data.sessions;
assert.deepEqual([first.id, first.title, first.is_pinned], [id, "Weather", true]);

// Search: messages and titles, and without a query the latest chats.
const [hit] = (await search("lisbon")).data.chats;
assert.deepEqual([hit.id, hit.type, hit.title], [id, "chat_session", "Weather"]);
assert.match(hit.subtitle, /weather in Lisbon/);
assert.deepEqual((await search("nothing like it")).data, { agents: [], files: [], chats: [] });
assert.equal((await search("")).data.chats.length, 2);

// Delete, and the errors that the toasts show.
assert.deepEqual(await deleteSession(id), { status: 204, data: "" });
const again = await deleteSession(id);
assert.deepEqual([again.status, typeof again.data.detail], [404, "string"]);
assert.equal((await getSession(id)).status, 404);
const invalid = await listSessions("limit=0");
assert.deepEqual([invalid.status, invalid.data.detail[0].loc], [422, ["query", "limit"]]);
assert.deepEqual((await listSessions("limit=50")).data.sessions.map((each: any) => each.id), [expert.data.id]);
