import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./generated/schema.js";

const { API = "", TOKEN = "" } = process.env;
const client = createClient<paths>({ baseUrl: API, headers: { Authorization: `Bearer ${TOKEN}` } });

const created = await client.POST("/api/chat/sessions", { body: { title: "Lisbon", metadata: { project: null } } });
assert(created.data);
const params = { path: { session_id: created.data.id } };

const message = { role: "user", content: "Where do I start?", parts: [{ type: "text" }] };
const appended = await client.POST("/api/chat/sessions/{session_id}/messages", {
  params,
  body: { messages: [message] },
});
assert.equal(appended.data?.messages[0]?.sequence, 0);
const opened = await client.GET("/api/chat/sessions/{session_id}", { params });
assert.deepEqual(opened.data?.metadata, { project: null });
assert.deepEqual(opened.data?.messages[0]?.parts, message.parts);
const changed = await client.PATCH("/api/chat/sessions/{session_id}", { params, body: { title: "Lisbon in May" } });
assert.equal(changed.data?.title, "Lisbon in May");
const listed = await client.GET("/api/chat/sessions", { params: { query: { q: "lisbon" } } });
assert.deepEqual(listed.data?.sessions.map(({ id }) => id), [created.data.id]);

assert.equal((await client.DELETE("/api/chat/sessions/{session_id}", { params })).response.status, 204);
const gone = await client.GET("/api/chat/sessions/{session_id}", { params });
assert.equal(gone.error?.type, "urn:chat-sessions:session-not-found");

// @ts-expect-error The body must say what to delete.
const refused = await client.POST("/api/chat/sessions/batch-delete", { body: {} });
assert.equal(refused.response.status, 422);
