import { Chat } from "@ai-sdk/react";
import { DefaultChatTransport, simulateReadableStream, type UIMessage } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { beforeEach, expect, test } from "vitest";
import { POST } from "../ai-sdk/example/route.js";
import { API, Elsewhere, newUser, tokenFor } from "./service.js";

let user: string;
let elsewhere: Elsewhere;
let model: MockLanguageModelV4;

beforeEach(() => {
  user = newUser();
  elsewhere = new Elsewhere(user);
  process.env.CHATS_URL = API;
  model = new MockLanguageModelV4({ doStream: async () => ({ stream: simulateReadableStream({ chunks: answer() }) }) });
  Object.assign(globalThis, { AI_SDK_DEFAULT_PROVIDER: { specificationVersion: "v4", languageModel: () => model } });
});

type Part = Awaited<ReturnType<MockLanguageModelV4["doStream"]>>["stream"] extends ReadableStream<infer P> ? P : never;

function answer(): Part[] {
  const usage = {
    inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 1, text: 1, reasoning: 0 },
  };
  return [
    { type: "text-start", id: "1" },
    { type: "text-delta", id: "1", delta: `Answer ${model.doStreamCalls.length}` },
    { type: "text-end", id: "1" },
    { type: "finish", finishReason: { unified: "stop", raw: "stop" }, usage },
  ];
}

/** A chat as `useChat` creates it in a browser, connected to the route handler. */
function chatOf(id: string, messages: UIMessage[] = []): Chat<UIMessage> {
  const transport = new DefaultChatTransport<UIMessage>({
    api: "http://next.test/api/chat",
    headers: { Authorization: `Bearer ${tokenFor(user)}` },
    fetch: (url, init) => POST(new Request(url as string, init)),
    prepareSendMessagesRequest: ({ id, messages }) => ({ body: { id, message: messages.at(-1) } }),
  });
  return new Chat({ id, messages, transport });
}

async function stored(id: string): Promise<(string | undefined)[]> {
  const { messages } = await elsewhere.session(id);
  return messages.map(({ parts }) => (parts as { text?: string }[]).at(-1)?.text);
}

test("the route handler stores each question and answer, and sends the whole chat to the model", async () => {
  const chat = chatOf("first");
  await chat.sendMessage({ text: "One" });
  await expect.poll(() => stored("first")).toEqual(["One", "Answer 1"]);
  await chat.sendMessage({ text: "Two" });
  await expect.poll(() => stored("first")).toEqual(["One", "Answer 1", "Two", "Answer 2"]);
  expect(model.doStreamCalls[1]?.prompt.map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
  expect(await elsewhere.ids("first")).toEqual(chat.messages.map(({ id }) => id));
  expect([chat.status, chat.error]).toEqual(["ready", undefined]);
});

test("a regenerated answer replaces the old one", async () => {
  const chat = chatOf("again");
  await chat.sendMessage({ text: "One" });
  await expect.poll(() => stored("again")).toEqual(["One", "Answer 1"]);
  await chat.regenerate();
  await expect.poll(() => stored("again")).toEqual(["One", "Answer 2"]);
});

test("an edit replaces the question and cuts off what followed it", async () => {
  const chat = chatOf("edit");
  await chat.sendMessage({ text: "One" });
  await chat.sendMessage({ text: "Two" });
  await expect.poll(() => stored("edit")).toEqual(["One", "Answer 1", "Two", "Answer 2"]);
  await chat.sendMessage({ text: "Three", messageId: chat.messages[0]?.id ?? "" });
  await expect.poll(() => stored("edit")).toEqual(["Three", "Answer 3"]);
});

test("the question is stored even if the model fails", async () => {
  model.doStream = async () => {
    throw new Error("No model today.");
  };
  await chatOf("failing").sendMessage({ text: "One" });
  expect(await stored("failing")).toEqual(["One"]);
});

test("a deleted chat is rejected before the model is called", async () => {
  const chat = chatOf("deleted");
  await chat.sendMessage({ text: "One" });
  await elsewhere.delete("deleted");
  await chat.sendMessage({ text: "Two" });
  expect(chat.error?.message).toBe("You have deleted a session with this id. Use a new one.");
  expect(model.doStreamCalls).toHaveLength(1);
  expect(await elsewhere.list()).toEqual([]);
});

test("a chat that is deleted while the model answers does not come back, and the page gets the error", async () => {
  const { doStream } = model;
  model.doStream = async (options) => {
    await elsewhere.delete("gone");
    return doStream(options);
  };
  const chat = chatOf("gone");
  await chat.sendMessage({ text: "One" });
  expect([chat.status, chat.error?.message]).toEqual(["error", "Session not found."]);
  expect(await elsewhere.list()).toEqual([]);
});
