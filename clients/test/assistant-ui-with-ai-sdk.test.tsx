// @vitest-environment jsdom
import { useChatRuntime } from "@assistant-ui/react-ai-sdk";
import { cleanup } from "@testing-library/react";
import {
  type ChatTransport,
  simulateReadableStream,
  type UIMessage,
  type UIMessageChunk,
  validateUIMessages,
} from "ai";
import { createChatStore } from "chat-sessions-ai-sdk";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectionOf, Elsewhere, newUser } from "./service.js";
import { tabOf } from "./tab.js";

let user: string;
let elsewhere: Elsewhere;
const tab = () => tabOf(user, { useThread });

beforeEach(() => {
  user = newUser();
  elsewhere = new Elsewhere(user);
});
afterEach(cleanup);

/** Answers with the number of messages. */
class CountingTransport implements ChatTransport<UIMessage> {
  async sendMessages({ messages }: { messages: UIMessage[] }) {
    const id = `answer ${messages.length}`;
    const chunks: UIMessageChunk[] = [
      { type: "start", messageId: `a${crypto.randomUUID()}`, messageMetadata: { model: "small" } },
      { type: "tool-input-available", toolCallId: id, toolName: "weather", input: { city: "Lisbon" } },
      { type: "tool-output-available", toolCallId: id, output: { sky: null } },
      { type: "text-start", id },
      { type: "text-delta", id, delta: `: ${messages.length}` },
      { type: "text-end", id },
      { type: "finish" },
    ];
    return simulateReadableStream({ chunks, initialDelayInMs: null, chunkDelayInMs: null });
  }

  async reconnectToStream() {
    return null;
  }
}

const transport = new CountingTransport();

function useThread() {
  return useChatRuntime({ transport });
}

async function texts(id: string) {
  const { messages } = await elsewhere.session(id);
  return messages.map(({ parts }) => (parts as { text?: string }[]).at(-1)?.text);
}

test("messages are stored as UIMessages, and a reload shows them", async () => {
  const before = await tab();
  before.runtime.thread.append("One");
  await before.shows((shown) => shown.at(-1) === "tool-call,: 1");
  await expect.poll(() => texts(before.id)).toEqual(["One", ": 1"]);
  const chats = createChatStore(connectionOf(user));
  const saved = await validateUIMessages({ messages: await chats.loadChat(before.id) });
  expect(saved.map(({ role, metadata }) => [role, metadata])).toEqual([
    ["user", { custom: {} }],
    ["assistant", { model: "small" }],
  ]);
  const after = await tab();
  await after.open(before.id);
  await after.shows((shown) => shown.length === 2);
  expect(after.shown).toEqual(["One", "tool-call,: 1"]);
});

test("an edit and a regenerated answer cut off what they replace", async () => {
  const here = await tab();
  here.runtime.thread.append("One");
  await here.shows((shown) => shown.at(-1) === "tool-call,: 1");
  here.runtime.thread.append("Two");
  await here.shows((shown) => shown.at(-1) === "tool-call,: 3");
  await expect.poll(() => texts(here.id)).toEqual(["One", ": 1", "Two", ": 3"]);
  const ids = await elsewhere.ids(here.id);
  here.runtime.thread.getMessageByIndex(1).reload();
  await expect.poll(async () => (await elsewhere.ids(here.id)).length).toBe(2);
  expect((await elsewhere.ids(here.id))[1]).not.toBe(ids[1]);
  const { composer } = here.runtime.thread.getMessageByIndex(0);
  composer.beginEdit();
  composer.setText("Three");
  composer.send();
  await expect.poll(() => texts(here.id)).toEqual(["Three", ": 1"]);
});
