import assert from "node:assert/strict";
import { MutationObserver, QueryClient } from "@tanstack/react-query";
import * as api from "./generated/client.js";

const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });

const creation = new MutationObserver(queries, api.getCreateSessionMutationOptions());
const created = await creation.mutate({ data: { title: "Lisbon", metadata: { project: null } } });
assert(created.status === 201);
const sessionId = created.data.id;

const message = { role: "user", content: "Where do I start?", parts: [{ type: "text" }] };
const append = new MutationObserver(queries, api.getAppendMessagesMutationOptions());
const appended = await append.mutate({ sessionId, data: { messages: [message] } });
assert(appended.status === 201);
assert.equal(appended.data.messages[0]?.sequence, 0);
const opened = await queries.fetchQuery(api.getGetSessionQueryOptions(sessionId));
assert(opened.status === 200);
assert.deepEqual(opened.data.metadata, { project: null });
assert.deepEqual(opened.data.messages[0]?.parts, message.parts);
const change = new MutationObserver(queries, api.getChangeSessionMutationOptions());
const changed = await change.mutate({ sessionId, data: { title: "Lisbon in May" } });
assert(changed.status === 200);
assert.equal(changed.data.title, "Lisbon in May");
const listed = await queries.fetchQuery(api.getListSessionsQueryOptions({ q: "lisbon" }));
assert(listed.status === 200);
assert.deepEqual(listed.data.sessions.map(({ id }) => id), [sessionId]);

const deletion = new MutationObserver(queries, api.getDeleteSessionMutationOptions());
assert.equal((await deletion.mutate({ sessionId })).status, 204);
const gone = await queries.fetchQuery({ ...api.getGetSessionQueryOptions(sessionId), staleTime: 0 });
assert(gone.status === 404);
assert.equal(gone.data.type, "urn:chat-sessions:session-not-found");

const batch = new MutationObserver(queries, api.getBatchDeleteSessionsMutationOptions());
// @ts-expect-error The body must say what to delete.
assert.equal((await batch.mutate({ data: {} })).status, 422);
