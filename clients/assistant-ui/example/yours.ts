import type { ChatModelAdapter } from "@assistant-ui/react";

export const baseUrl = process.env.API ?? "";

export const getToken = () => process.env.TOKEN ?? "";

export const model: ChatModelAdapter = {
  async run({ messages }) {
    return { content: [{ type: "text", text: `Answer ${messages.length}` }] };
  },
};
