import assert from "node:assert/strict";
import { Configuration, MessagesApi, ResponseError, SessionsApi } from "./generated/index.js";

const { API = "", TOKEN = "" } = process.env;
const configuration = new Configuration({ basePath: API, accessToken: TOKEN });
const sessions = new SessionsApi(configuration);
const messages = new MessagesApi(configuration);

const created = await sessions.createSession({ newSession: { title: "Lisbon", metadata: { project: null } } });
const sessionId = created.id;

const message = { role: "user", content: "Where do I start?", parts: [{ type: "text" }] };
const appended = await messages.appendMessages({ sessionId, newMessages: { messages: [message] } });
assert.equal(appended.messages[0]?.sequence, 0);
const opened = await sessions.getSession({ sessionId });
assert.deepEqual(opened.metadata, { project: null });
assert.deepEqual(opened.messages[0]?.parts, message.parts);
assert(opened.updatedAt >= opened.createdAt);
const changed = await sessions.changeSession({ sessionId, sessionChange: { title: "Lisbon in May" } });
assert.equal(changed.title, "Lisbon in May");
const listed = await sessions.listSessions({ q: "lisbon" });
assert.deepEqual(listed.sessions.map(({ id }) => id), [sessionId]);

assert.equal((await sessions.deleteSessionRaw({ sessionId })).raw.status, 204);
const gone = await sessions.getSession({ sessionId }).catch((error: unknown) => error);
assert(gone instanceof ResponseError);
assert.equal((await gone.response.json()).type, "urn:chat-sessions:session-not-found");
