// @vitest-environment jsdom
import type { ChatModelAdapter } from "@assistant-ui/react";
import { cleanup } from "@testing-library/react";
import { createThreadListAdapter } from "chat-sessions-assistant-ui";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectionOf, Elsewhere, newUser } from "./service.js";
import { counting, type TabOptions, type Tested, tabOf, until } from "./tab.js";

let user: string;
let elsewhere: Elsewhere;
const tab = (options?: TabOptions) => tabOf(user, options);

beforeEach(() => {
  user = newUser();
  elsewhere = new Elsewhere(user);
});
afterEach(cleanup);

/** Waits until a session has messages with these texts. */
async function stored(id: string, ...texts: string[]): Promise<void> {
  await expect.poll(() => textsOf(id)).toEqual(texts);
}

async function textsOf(id: string): Promise<string[]> {
  const { messages } = await elsewhere.session(id);
  return messages.map(({ content }) => (typeof content === "string" ? content : String(content?.[0]?.text)));
}

test("the first message creates a thread, which is named after it", async () => {
  const here = await tab();
  await here.send("How is  the weather?");
  await stored(here.id, "How is  the weather?", "1: How is  the weather?");
  await expect.poll(async () => (await elsewhere.list()).map(({ title }) => title)).toEqual(["How is the weather?"]);
  await until(() => here.threads.includes("How is the weather?"));
});

test("a long first message becomes a title of whole characters", async () => {
  const here = await tab();
  await here.send("🌦️".repeat(70));
  await expect.poll(async () => (await elsewhere.list()).map(({ title }) => title)).toEqual([`${"🌦️".repeat(29)}🌦…`]);
});

test("nameThread returns the title of a thread", async () => {
  const here = await tab({ nameThread: async (messages) => `${messages.length} or more` });
  await here.send("Hi");
  await expect
    .poll(async () => (await elsewhere.list()).map(({ title }) => title))
    .toEqual([expect.stringMatching(/^\d or more$/)]);
});

test("a reload restores messages with all their fields", async () => {
  const model: ChatModelAdapter = {
    async run() {
      const tool = {
        type: "tool-call",
        toolCallId: "t1",
        toolName: "weather",
        args: { city: "Lisbon" },
        argsText: '{"city":"Lisbon"}',
        result: { sky: null },
      } as const;
      const metadata = { custom: { model: "small" }, steps: [{ usage: { inputTokens: 1, outputTokens: 2 } }] };
      return { content: [{ type: "reasoning", text: "Hm." }, tool, { type: "text", text: ": Look" }], metadata };
    },
  };
  const before = await tab({ model });
  const image = { type: "image", image: "data:image/png;base64,iVBORw0KGgo=" } as const;
  const content = [{ type: "text", text: "Look" } as const];
  const attachments = [
    {
      id: "f1",
      type: "image" as const,
      name: "sky.png",
      contentType: "image/png",
      status: { type: "complete" as const },
      content: [image],
      file: new File(["x"], "sky.png"),
    },
  ];
  before.runtime.thread.append({ role: "user", content, attachments, metadata: { custom: { from: "here" } } });
  await before.shows((texts) => texts.length === 2);
  await expect.poll(() => elsewhere.ids(before.id)).toEqual(before.messages.map(({ id }) => id));
  const after = await tab();
  await after.open(before.id);
  await after.shows((texts) => texts.length === 2);
  const withoutFile = (messages: unknown) =>
    JSON.parse(JSON.stringify(messages, (name, value) => (name === "file" ? undefined : value)));
  expect(withoutFile(after.messages)).toEqual(withoutFile(before.messages));
  expect(after.messages[0]?.createdAt).toEqual(before.messages[0]?.createdAt);
  expect(after.messages[0]?.attachments?.[0]).not.toHaveProperty("file");
});

test("an edit cuts off what followed the message", async () => {
  const here = await tab();
  await here.send("One");
  await here.send("Two");
  await stored(here.id, "One", "1: One", "Two", "2: Two");
  await here.edit(0, "Three");
  await stored(here.id, "Three", "3: Three");
});

test("a regenerated answer replaces the old one", async () => {
  const here = await tab();
  await here.send("One");
  await here.send("Two");
  await here.regenerate(1);
  await stored(here.id, "One", "3: One");
});

test("an earlier branch can be continued, even after a reload", async () => {
  const before = await tab();
  await before.send("One");
  await before.send("Two");
  await stored(before.id, "One", "1: One", "Two", "2: Two");
  const ids = await elsewhere.ids(before.id);
  const here = await tab();
  await here.open(before.id);
  await here.shows((texts) => texts.length === 4);
  await here.edit(2, "Three");
  await stored(here.id, "One", "1: One", "Three", "1: Three");
  here.runtime.thread.getMessageByIndex(2).switchToBranch({ position: "previous" });
  await here.shows((texts) => texts.at(-1) === "2: Two");
  await here.send("Four");
  await stored(here.id, "One", "1: One", "Two", "2: Two", "Four", "2: Four");
  expect((await elsewhere.ids(here.id)).slice(0, 4)).toEqual(ids);
});

test("a message after one that was never stored cuts nothing off", async () => {
  const here = await tab();
  await here.send("One");
  await stored(here.id, "One", "1: One");
  here.runtime.thread.reset([{ role: "assistant", content: "What else?" }]);
  await here.send("Two");
  await stored(here.id, "One", "1: One", "Two", "2: Two");
});

test("a tool result changes its message and keeps those after it", async () => {
  const call = { type: "tool-call", toolCallId: "t1", toolName: "ask", args: {}, argsText: "{}" } as const;
  const answers = counting();
  const model: ChatModelAdapter = {
    async *run(options) {
      const isFirst = options.messages.length === 1;
      yield* isFirst ? [{ content: [call] }] : (answers.run(options) as AsyncGenerator<{ content: [typeof call] }>);
    },
  };
  const here = await tab({ model });
  here.runtime.thread.append("One");
  await here.shows((texts) => texts.at(-1) === "tool-call");
  await here.send("Two");
  await expect.poll(() => elsewhere.ids(here.id)).toEqual(here.messages.map(({ id }) => id));
  here.runtime.thread.getMessageByIndex(1).getMessagePartByIndex(0).addToolResult({ answer: 42 });
  const resultOf = async () => (await elsewhere.session(here.id)).messages[1]?.content?.[0];
  await expect.poll(resultOf).toMatchObject({ ...call, result: { answer: 42 } });
  expect(await elsewhere.ids(here.id)).toEqual(here.messages.map(({ id }) => id));
});

test("messages from two open tabs are all kept", async () => {
  const here = await tab();
  await here.send("One");
  await stored(here.id, "One", "1: One");
  const there = await tab();
  await there.open(here.id);
  await there.shows((texts) => texts.length === 2);
  await here.send("Two");
  await stored(here.id, "One", "1: One", "Two", "2: Two");
  await there.send("Three");
  await stored(here.id, "One", "1: One", "Two", "2: Two", "Three", "1: Three");
  await here.send("Four");
  await stored(here.id, "One", "1: One", "Two", "2: Two", "Three", "1: Three", "Four", "3: Four");
});

test("an edit does not cut off what another tab has written", async () => {
  const here = await tab();
  await here.send("One");
  await stored(here.id, "One", "1: One");
  await elsewhere.append(here.id, { id: "other", role: "user", content: "Other" });
  const failed = failureOf(here);
  here.runtime.thread.getMessageByIndex(1).reload();
  expect(await failed).toBe("The conversation has changed elsewhere. Load it again.");
  expect(await textsOf(here.id)).toEqual(["One", "1: One", "Other"]);
});

/** The error message of the next failed write. */
function failureOf({ runtime }: Tested): Promise<string> {
  return new Promise((resolve) => {
    runtime.thread.unstable_on("historyWriteError", ({ message }) => resolve(message));
  });
}

test("writes do not bring back a thread that was deleted elsewhere", async () => {
  const here = await tab();
  await here.send("One");
  await stored(here.id, "One", "1: One");
  await elsewhere.delete(here.id);
  const failed = failureOf(here);
  here.runtime.thread.append("Two");
  expect(await failed).toBe("Session not found.");
  await expect(here.item(here.id).rename("Back?")).rejects.toThrow("Session not found.");
  const there = await tab();
  await expect(there.runtime.threads.switchToThread(here.id)).rejects.toThrow("Session not found.");
  await here.item(here.id).delete();
  expect(here.threads).toEqual([]);
  expect(await elsewhere.list()).toEqual([]);
});

test("a thread that was deleted after it was listed opens empty", async () => {
  const id = await elsewhere.create({ title: "Gone" });
  const here = await tab();
  await elsewhere.delete(id);
  await here.open(id);
  expect(here.shown).toEqual([]);
  const failed = failureOf(here);
  here.runtime.thread.append("One");
  expect(await failed).toBe("Session not found.");
  expect(await elsewhere.list()).toEqual([]);
});

test("an answer is stored in its own thread even if another one is open", async () => {
  let answer = () => {};
  const released = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const model: ChatModelAdapter = {
    async *run(options) {
      yield { content: [{ type: "text", text: "…" }] };
      await released;
      yield* counting().run(options) as AsyncGenerator<{ content: [{ type: "text"; text: string }] }>;
    },
  };
  const other = await elsewhere.create({ title: "Other" });
  const here = await tab({ model });
  here.runtime.thread.append("Slow");
  await until(() => here.shown[1] === "…" && here.id);
  const { id } = here;
  await here.open(other);
  answer();
  await stored(id, "Slow", "1: Slow");
  expect(await elsewhere.ids(other)).toEqual([]);
});

test("initializing a thread twice returns the same session", async () => {
  const adapter = createThreadListAdapter(connectionOf(user));
  const { remoteId } = await adapter.initialize("local", { custom: { project: "x" } });
  expect(await adapter.initialize("local")).toEqual({ remoteId });
  expect((await elsewhere.list()).map(({ id, metadata }) => [id, metadata])).toEqual([[remoteId, { project: "x" }]]);
});

test("threads are listed, renamed, archived, unarchived and deleted", async () => {
  const ids: Record<string, string> = {};
  for (const title of ["C", "B", "A"]) {
    ids[title] = await elsewhere.create({ title });
  }
  await elsewhere.change(ids.C ?? "", { is_archived: true });
  const here = await tab();
  expect([here.threads, here.archived]).toEqual([["A", "B"], ["C"]]);
  await here.item(ids.A ?? "").rename("Z");
  await here.item(ids.B ?? "").archive();
  await here.item(ids.C ?? "").unarchive();
  expect((await elsewhere.list()).map(({ title, is_archived }) => [title, is_archived])).toEqual([
    ["Z", false],
    ["B", true],
    ["C", false],
  ]);
  await here.item(ids.A ?? "").delete();
  expect((await elsewhere.list()).map(({ title }) => title)).toEqual(["B", "C"]);
  expect([here.threads, here.archived]).toEqual([["C"], ["B"]]);
});

test("a thread whose deletion fails stays in the list", async () => {
  const id = await elsewhere.create({ title: "Here" });
  const refusing = async (request: Request) =>
    request.method === "DELETE" ? Response.json({ detail: "Not now." }, { status: 500 }) : fetch(request);
  const here = await tab({ fetch: refusing });
  await expect(here.item(id).delete()).rejects.toThrow("Not now.");
  expect(here.threads).toEqual(["Here"]);
});

test("further pages of the list are loaded on demand", async () => {
  for (let count = 0; count < 51; count++) {
    await elsewhere.create({ title: `${count}` });
  }
  const here = await tab();
  expect(here.threads).toHaveLength(50);
  await here.runtime.threads.loadMore();
  expect([here.threads.length, here.threads.at(-1)]).toEqual([51, "0"]);
});

test("metadata of a thread is replaced, not merged", async () => {
  const id = await elsewhere.create({ metadata: { a: { b: 1, c: 2 }, d: [1], e: null } });
  const here = await tab();
  expect(here.item(id).getState().custom).toEqual({ a: { b: 1, c: 2 }, d: [1], e: null });
  await here.item(id).updateCustom({ a: { c: 3 }, d: { f: 4 } });
  expect((await elsewhere.session(id)).metadata).toEqual({ a: { c: 3 }, d: { f: 4 } });
});

test("a message of 2 MiB fails with the service's message, and the thread can be continued", async () => {
  const here = await tab();
  await here.send("One");
  const failed = failureOf(here);
  here.runtime.thread.append({ role: "user", content: [{ type: "text", text: "x".repeat(2 ** 21) }], startRun: false });
  expect(await failed).toBe("A message may have at most 1 MiB of JSON.");
  await here.edit(2, "Two");
  await stored(here.id, "One", "1: One", "Two", "2: Two");
});

test("each request gets its own token", async () => {
  const tokens: string[] = [];
  const { getToken } = connectionOf(user);
  const counted = async () => {
    tokens.push(getToken());
    return tokens.at(-1) ?? "";
  };
  const here = await tab({ getToken: counted });
  const listed = tokens.length;
  await here.send("One");
  await stored(here.id, "One", "1: One");
  expect(tokens.length).toBeGreaterThanOrEqual(listed + 3);
});

test("messages from other clients are shown", async () => {
  const id = await elsewhere.create();
  await elsewhere.append(
    id,
    { id: "s", role: "developer", content: "Be brief." },
    {
      id: "u",
      role: "user",
      content: [
        { type: "text", text: "Look" },
        { type: "image_url", image_url: { url: "https://x" } },
      ],
    },
    { id: "c", role: "assistant", content: null, tool_calls: [{ id: "t1" }] },
    { id: "t", role: "tool", content: "{}", tool_call_id: "t1" },
    {
      id: "a",
      role: "assistant",
      content: null,
      parts: [
        { type: "reasoning", text: "Hm." },
        { type: "text", text: "Nice" },
      ],
    },
  );
  const here = await tab();
  await here.open(id);
  await here.shows((texts) => texts.length === 3);
  expect(here.shown).toEqual(["Look", "", "Nice"]);
  await here.send("Thanks");
  await expect.poll(async () => (await elsewhere.ids(id)).slice(0, 5)).toEqual(["s", "u", "c", "t", "a"]);
  await expect.poll(async () => (await elsewhere.ids(id)).length).toBe(7);
});
