import * as ai from "ai";
import { continued, createChatStore } from "chat-sessions-ai-sdk";
import { tokenFor } from "./auth.js";

export async function POST(request: Request) {
  const { id, message } = await request.json();
  const chats = createChatStore({ baseUrl: process.env.CHATS_URL ?? "", getToken: () => tokenFor(request) });
  await chats.createChat({ id });
  const messages = await ai.validateUIMessages({ messages: continued(await chats.loadChat(id), message) });
  await chats.saveChat({ chatId: id, messages }); // the question, before anything can go wrong

  const result = ai.streamText({ model: "openai/gpt-5", messages: await ai.convertToModelMessages(messages) });
  result.consumeStream(); // to the end, even if the browser disconnects
  const stream = ai.toUIMessageStream({
    stream: result.stream,
    originalMessages: messages,
    generateMessageId: ai.generateId,
    onEnd: ({ messages }) => chats.saveChat({ chatId: id, messages }),
  });
  return ai.createUIMessageStreamResponse({ stream });
}
