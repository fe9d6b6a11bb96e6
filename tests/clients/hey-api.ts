import assert from "node:assert/strict";
import { client } from "./generated/client.gen.js";
import * as api from "./generated/sdk.gen.js";

const { API = "", TOKEN = "" } = process.env;
client.setConfig({ baseUrl: API, auth: TOKEN });

const following = new AbortController();
const { stream } = await api.followSessions({ headers: { "Last-Event-ID": "long-gone" }, signal: following.signal });
const first = await stream.next();
assert.deepEqual(first.value, { type: "reset", id: null });

const created = await api.createSession({ body: { title: "Lisbon", metadata: { project: null } }, throwOnError: true });
const path = { session_id: created.data.id };
const followed = await stream.next();
assert(followed.value);
assert.equal(followed.value.type, "session.created");
assert.equal(followed.value.id, created.data.id);
following.abort();

const message = { role: "user", content: "Where do I start?", parts: [{ type: "text" }] };
const appended = await api.appendMessages({ path, body: { messages: [message] } });
assert.equal(appended.data?.messages[0]?.sequence, 0);
const opened = await api.getSession({ path });
assert.deepEqual(opened.data?.metadata, { project: null });
assert.deepEqual(opened.data?.messages[0]?.parts, message.parts);
const changed = await api.changeSession({ path, body: { title: "Lisbon in May" } });
assert.equal(changed.data?.title, "Lisbon in May");
const listed = await api.listSessions({ query: { q: "lisbon" } });
assert.deepEqual(listed.data?.sessions.map(({ id }) => id), [created.data.id]);

assert.equal((await api.deleteSession({ path })).response?.status, 204);
const gone = await api.getSession({ path });
assert.equal(gone.error?.type, "urn:chat-sessions:session-not-found");

// @ts-expect-error The body must say what to delete.
const refused = await api.batchDeleteSessions({ body: {} });
assert.equal(refused.response?.status, 422);
