import {
  convertToModelMessages,
  createIdGenerator,
  createUIMessageStreamResponse,
  streamText,
  toUIMessageStream,
  validateUIMessages,
} from "ai";
import { continued, createChatStore } from "chat-sessions-ai-sdk";
import { tokenFor } from "./auth.js";

const generateMessageId = createIdGenerator({ prefix: "msg", size: 16 });

export async function POST(request: Request) {
  const { id, message } = await request.json();
  const chats = createChatStore({ baseUrl: process.env.CHATS_URL ?? "", getToken: () => tokenFor(request) });
  await chats.createChat({ id });

  const messages = await validateUIMessages({ messages: continued(await chats.loadChat(id), message) });
  await chats.saveChat({ chatId: id, messages }); // the question, before anything can go wrong

  const result = streamText({ model: "openai/gpt-5", messages: await convertToModelMessages(messages) });
  result.consumeStream(); // to the end, also if the browser goes away
  const stream = toUIMessageStream({
    stream: result.stream,
    originalMessages: messages,
    generateMessageId,
    onEnd: ({ messages }) => chats.saveChat({ chatId: id, messages }),
  });
  return createUIMessageStreamResponse({ stream });
}
