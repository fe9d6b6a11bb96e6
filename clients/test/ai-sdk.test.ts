import { randomUUID } from "node:crypto";
import { type UIMessage, validateUIMessages } from "ai";
import { type ChatSessionsError, createChatStore } from "chat-sessions-ai-sdk";
import { beforeEach, expect, test } from "vitest";
import { connectionOf, Elsewhere, newUser, tokenFor } from "./service.js";

let user: string;
let elsewhere: Elsewhere;

beforeEach(() => {
  user = newUser();
  elsewhere = new Elsewhere(user);
});

function text(id: string, role: "user" | "assistant", content: string): UIMessage {
  return { id, role, parts: [{ type: "text", text: content }] };
}

const Q1 = text("q1", "user", "How is the weather?");
const A1 = text("a1", "assistant", "Sunny.");
const Q2 = text("q2", "user", "And tomorrow?");
const A2 = text("a2", "assistant", "Rain.");

/** Creates a chat with these messages, and loads it. */
async function loaded(...messages: UIMessage[]) {
  const chats = createChatStore(connectionOf(user));
  const chatId = await chats.createChat();
  if (messages.length > 0) {
    await createChatStore(connectionOf(user)).saveChat({ chatId, messages });
  }
  expect(await chats.loadChat(chatId)).toEqual(messages);
  return { chats, chatId, save: (...all: UIMessage[]) => chats.saveChat({ chatId, messages: all }) };
}

const EVERYTHING: UIMessage[] = [
  {
    id: "q1",
    role: "user",
    metadata: { sentAt: 1795374000000, nested: { empty: null } },
    parts: [
      { type: "text", text: "How is the weather? 🌦️" },
      { type: "file", mediaType: "image/png", filename: "sky.png", url: "data:image/png;base64,iVBORw0KGgo=" },
    ],
  },
  {
    id: "a1",
    role: "assistant",
    metadata: { model: "small", usage: { totalTokens: 12.5 } },
    parts: [
      { type: "step-start" },
      { type: "reasoning", text: "It is summer.", state: "done", providerMetadata: { some: { signature: "x" } } },
      {
        type: "tool-weather",
        toolCallId: "t1",
        state: "output-available",
        input: { city: "Lisbon" },
        output: { sky: "clear", wind: null },
      },
      { type: "tool-map", toolCallId: "t2", state: "output-error", input: {}, errorText: "No map." },
      { type: "dynamic-tool", toolName: "clock", toolCallId: "t3", state: "input-available", input: [1, 2] },
      { type: "source-url", sourceId: "s1", url: "https://weather.example", title: "Weather" },
      { type: "data-chart", id: "d1", data: { points: [[0, 1.5]] } },
      { type: "text", text: "Sunny.", state: "done" },
    ],
  },
];

test("a chat with tools, files, reasoning, data and metadata loads exactly as saved", async () => {
  const { chats, chatId } = await loaded(...EVERYTHING);
  const messages = await chats.loadChat(chatId);
  expect(messages).toStrictEqual(EVERYTHING);
  expect(await validateUIMessages({ messages })).toStrictEqual(EVERYTHING);
});

test("saving the same chat again changes nothing", async () => {
  const { chatId, save } = await loaded(...EVERYTHING);
  const { etag } = await elsewhere.session(chatId);
  await save(...EVERYTHING);
  const [question, answer] = await validateUIMessages({ messages: EVERYTHING });
  await save(question as UIMessage, answer as UIMessage);
  await createChatStore(connectionOf(user)).saveChat({ chatId, messages: EVERYTHING });
  expect((await elsewhere.session(chatId)).etag).toBe(etag);
});

test("a longer version of an answer replaces it in place", async () => {
  const { chatId, save } = await loaded(Q1);
  await save(Q1, text("a1", "assistant", "Sun"));
  await save(Q1, A1);
  const { messages } = await elsewhere.session(chatId);
  expect(messages.map(({ id, sequence, parts }) => [id, sequence, parts])).toEqual([
    ["q1", 0, Q1.parts],
    ["a1", 1, A1.parts],
  ]);
});

test("a regenerated answer replaces the old one", async () => {
  const { chats, chatId, save } = await loaded(Q1, A1);
  await save(Q1, A2);
  expect(await chats.loadChat(chatId)).toEqual([Q1, A2]);
});

test("an edit replaces the question and cuts off what followed it", async () => {
  const { chats, chatId, save } = await loaded(Q1, A1, Q2, A2);
  const edited = text("q1", "user", "How is the weather in Porto?");
  await save(edited, text("a3", "assistant", "Foggy."));
  expect(await chats.loadChat(chatId)).toEqual([edited, text("a3", "assistant", "Foggy.")]);
});

test("messages that another tab has appended stay", async () => {
  const { chatId, save } = await loaded(Q1, A1);
  await elsewhere.append(chatId, { id: "other", role: "user", content: "Hello?" });
  await save(Q1, A1, Q2);
  await elsewhere.append(chatId, { id: "another", role: "user", content: "Still there?" });
  await save(Q1, A1, Q2, A2);
  expect(await elsewhere.ids(chatId)).toEqual(["q1", "a1", "other", "q2", "another", "a2"]);
});

test("a regenerated answer does not cut off what another tab has appended", async () => {
  const { chatId, save } = await loaded(Q1, A1);
  await elsewhere.append(chatId, { id: "other", role: "user", content: "Hello?" });
  await expect(save(Q1, A2)).rejects.toMatchObject({
    status: 412,
    message: "The conversation has changed elsewhere. Load it again.",
  });
  expect(await elsewhere.ids(chatId)).toEqual(["q1", "a1", "other"]);
});

test("an answer to a question that was cut off elsewhere is not stored", async () => {
  const { chatId, save } = await loaded(Q1, A1, Q2);
  await elsewhere.cut(chatId, 2);
  await expect(save(Q1, A1, Q2, A2)).rejects.toMatchObject({ status: 412 });
  expect(await elsewhere.ids(chatId)).toEqual(["q1", "a1"]);
});

test("a question is stored even if the answer before it was cut off elsewhere", async () => {
  const { chatId, save } = await loaded(Q1, A1);
  await elsewhere.cut(chatId, 1);
  await save(Q1, A1, Q2);
  await save(Q1, A1, Q2, A2);
  expect(await elsewhere.ids(chatId)).toEqual(["q1", "q2", "a2"]);
});

test("an answer is not stored if its question is cut off just before the request", async () => {
  const { chatId } = await loaded(Q1, A1, Q2);
  const chats = createChatStore({ ...connectionOf(user), fetch: before("POST", () => elsewhere.cut(chatId, 2)) });
  await chats.loadChat(chatId);
  await expect(chats.saveChat({ chatId, messages: [Q1, A1, Q2, A2] })).rejects.toMatchObject({ status: 412 });
  expect(await elsewhere.ids(chatId)).toEqual(["q1", "a1"]);
});

test("an answer is regenerated even if the chat is renamed just before the request", async () => {
  const { chatId } = await loaded(Q1, A1);
  const rename = before("DELETE", () => elsewhere.change(chatId, { title: "Weather" }));
  const chats = createChatStore({ ...connectionOf(user), fetch: rename });
  await chats.loadChat(chatId);
  await chats.saveChat({ chatId, messages: [Q1, A2] });
  expect(await elsewhere.ids(chatId)).toEqual(["q1", "a2"]);
});

/** A fetch that does something just before the first request with this method. */
function before(method: string, work: () => Promise<void>) {
  let isDone = false;
  return async (request: Request) => {
    if (request.method === method && !isDone) {
      isDone = true;
      await work();
    }
    return fetch(request);
  };
}

test("an answer to a question that was edited elsewhere is not stored", async () => {
  const { chatId, save } = await loaded(Q1);
  await elsewhere.cut(chatId, 0);
  await elsewhere.append(chatId, { id: "q3", role: "user", content: "Never mind." });
  await expect(save(Q1, A1)).rejects.toMatchObject({ status: 412 });
  expect(await elsewhere.ids(chatId)).toEqual(["q3"]);
});

test("saving does not bring back a chat that was deleted meanwhile", async () => {
  const { chats, chatId, save } = await loaded(Q1);
  await elsewhere.delete(chatId);
  await expect(save(Q1, A1)).rejects.toMatchObject({ status: 404, message: "Session not found." });
  await expect(chats.loadChat(chatId)).rejects.toMatchObject({ status: 404 });
  await expect(chats.createChat({ id: chatId })).rejects.toMatchObject({ status: 409 });
  expect(await elsewhere.list()).toEqual([]);
});

test("creating a chat twice with an id minted by the browser creates one chat", async () => {
  const chats = createChatStore(connectionOf(user));
  expect(await chats.createChat({ id: "Xyz_1" })).toBe("Xyz_1");
  expect(await chats.createChat({ id: "Xyz_1" })).toBe("Xyz_1");
  expect((await elsewhere.list()).map(({ id }) => id)).toEqual(["Xyz_1"]);
});

test("a message of 2 MiB is rejected with a clear error, and the others are stored", async () => {
  const { chatId, save } = await loaded();
  const error: ChatSessionsError = await save(Q1, text("a1", "assistant", "x".repeat(2 ** 21))).catch(
    (reason) => reason,
  );
  expect([error.status, error.message]).toEqual([422, "A message may have at most 1 MiB of JSON."]);
  expect(await elsewhere.ids(chatId)).toEqual(["q1"]);
});

test("an incomplete list of messages is rejected before anything is cut", async () => {
  const { chatId, save } = await loaded(Q1, A1);
  await expect(save(A2)).rejects.toThrow("Pass them to toUIMessageStream as `originalMessages`.");
  await expect(save()).rejects.toThrow("saveChat needs all messages of the chat.");
  expect(await elsewhere.ids(chatId)).toEqual(["q1", "a1"]);
});

test("a long chat loads and saves completely", async () => {
  const messages = Array.from({ length: 250 }, (_, index) =>
    text(`m${index}`, "user", `${index} ${"x".repeat(1_500)}`),
  );
  const { chats, chatId, save } = await loaded(...messages);
  await save(...messages, A1);
  expect((await chats.loadChat(chatId)).map(({ id }) => id)).toEqual([...messages.map(({ id }) => id), "a1"]);
});

test("messages from other clients are valid, and tool messages keep their place", async () => {
  const { chats, chatId } = await loaded();
  await elsewhere.append(
    chatId,
    { id: "s", role: "developer", content: "Be brief." },
    { id: "u", role: "user", content: "Hi" },
    { id: "t", role: "tool", content: "{}", tool_call_id: "t1" },
    { id: "a", role: "assistant", content: "Hello" },
  );
  const messages = await chats.loadChat(chatId);
  expect(await validateUIMessages({ messages })).toEqual([text("u", "user", "Hi"), text("a", "assistant", "Hello")]);
  await chats.saveChat({ chatId, messages: [...messages, Q1] });
  expect(await elsewhere.ids(chatId)).toEqual(["s", "u", "t", "a", "q1"]);
  await chats.saveChat({ chatId, messages: [...messages, A1] });
  expect(await elsewhere.ids(chatId)).toEqual(["s", "u", "t", "a", "a1"]);
  const { messages: stored } = await elsewhere.session(chatId);
  expect(stored.map(({ content }) => content)).toEqual(["Be brief.", "Hi", "{}", "Hello", null]);
});

test("a request whose token is rejected is repeated with a refreshed one", async () => {
  const expiresIn = { false: -3600, true: 3600 };
  const refreshes: boolean[] = [];
  const getToken = ({ refresh }: { refresh: boolean }) => {
    refreshes.push(refresh);
    return tokenFor(user, { expiresIn: expiresIn[`${refresh}`] });
  };
  const chats = createChatStore({ ...connectionOf(user), getToken });
  await chats.loadChat(await chats.createChat());
  expect(refreshes).toEqual([false, true, false, true]);
});

test("requests are sent with no-store, so that frameworks do not cache them", async () => {
  const modes: string[] = [];
  const watched = (request: Request) => {
    modes.push(request.cache);
    return fetch(request);
  };
  const chats = createChatStore({ ...connectionOf(user), fetch: watched });
  await chats.loadChat(await chats.createChat());
  expect(modes).toEqual(["no-store", "no-store"]);
});

test("a write is retried while the service is unavailable or unreachable, and stored once", async () => {
  const { chatId } = await loaded(Q1);
  const failures = [
    () => Promise.reject(new TypeError("fetch failed")),
    () => Promise.resolve(new Response("{}", { status: 503, headers: { "Retry-After": "1" } })),
  ];
  const failing = async (request: Request) => {
    const response = await fetch(request);
    return request.method === "POST" ? (failures.shift()?.() ?? response) : response;
  };
  const chats = createChatStore({ ...connectionOf(user), fetch: failing });
  await chats.saveChat({ chatId, messages: [Q1, A1] });
  expect(failures).toEqual([]);
  expect(await elsewhere.ids(chatId)).toEqual(["q1", "a1"]);
});

test("a persistent failure rejects with the service's problem", async () => {
  const problem = { detail: "The database is unavailable.", type: "urn:chat-sessions:unavailable" };
  const fetch = async () => new Response(JSON.stringify(problem), { status: 503 });
  const chats = createChatStore({ ...connectionOf(user), fetch });
  await expect(chats.loadChat(randomUUID())).rejects.toMatchObject({
    name: "ChatSessionsError",
    status: 503,
    message: problem.detail,
    type: problem.type,
  });
});
