import assert from "node:assert/strict";
import { convertToModelMessages, readUIMessageStream, type UIMessage, type UIMessageChunk, validateUIMessages } from "ai";

const { API = "", TOKEN = "" } = process.env;

async function call<T>(path: string, body?: unknown): Promise<T> {
  const headers = { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" };
  const init = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(`${API}/api/chat/sessions${path}`, init);
  assert(response.ok, await response.clone().text());
  return (await response.json()) as T;
}

/** An answer as `useChat` puts it together from the stream of a model. */
async function answer(): Promise<UIMessage> {
  const chunks: UIMessageChunk[] = [
    { type: "start", messageId: "a1", messageMetadata: { model: "small" } },
    { type: "start-step" },
    { type: "reasoning-start", id: "r1" },
    { type: "reasoning-delta", id: "r1", delta: "It is summer." },
    { type: "reasoning-end", id: "r1" },
    { type: "tool-input-available", toolCallId: "t1", toolName: "weather", input: { city: "Lisbon" } },
    { type: "tool-output-available", toolCallId: "t1", output: { sky: "clear" } },
    { type: "text-start", id: "x1" },
    { type: "text-delta", id: "x1", delta: "Sunny." },
    { type: "text-end", id: "x1" },
    { type: "finish-step" },
    { type: "finish" },
  ];
  let last: UIMessage | undefined;
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      chunks.forEach((chunk) => controller.enqueue(chunk));
      controller.close();
    },
  });
  for await (const message of readUIMessageStream({ stream })) {
    last = message;
  }
  assert(last);
  return last;
}

const question: UIMessage = { id: "q1", role: "user", parts: [{ type: "text", text: "How is the weather?" }] };
const sent = JSON.parse(JSON.stringify([question, await answer()])) as UIMessage[];

const { id } = await call<{ id: string }>("", { messages: sent });
const { messages } = await call<{ messages: UIMessage[] }>(`/${id}`);
for (const [index, message] of sent.entries()) {
  assert.deepEqual({ ...messages[index], ...message }, messages[index]);
}
const valid = await validateUIMessages({ messages });
assert.equal((await convertToModelMessages(valid)).length, (await convertToModelMessages(sent)).length);
