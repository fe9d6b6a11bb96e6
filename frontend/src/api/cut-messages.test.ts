import { beforeEach, expect, test } from "vitest";
import { BASE_URL, service } from "../test/service";
import { createApi } from "./client";
import { ConversationChanged } from "./conversation-changed";
import { cutMessages } from "./cut-messages";

const api = createApi(BASE_URL, () => "token");
let chat: string;

beforeEach(() => {
  chat = service.chat({ id: "a", content: "one" }, { id: "b", content: "two" }, { id: "c", content: "three" });
});

const cut = (lastSeen: string, successor = "new") => cutMessages(api, chat, { from: 1, lastSeen }, successor);
const left = () => service.messages.get(chat)?.map(({ id }) => id);

test("the conversation is cut before the message", async () => {
  await cut("c");
  expect(left()).toEqual(["a"]);
});

test("nothing is cut if messages arrived after the last one seen", async () => {
  await expect(cut("b")).rejects.toThrow(ConversationChanged);
  expect(left()).toEqual(["a", "b", "c"]);
});

test("a conversation that an earlier attempt has cut is not cut again", async () => {
  service.cut(chat, 1);
  await cut("c");
  expect(left()).toEqual(["a"]);
});

test("a successor that an earlier attempt has stored is not cut", async () => {
  service.cut(chat, 1);
  service.append(chat, [{ id: "new", content: "edited" }]);
  await cut("c");
  expect(left()).toEqual(["a", "new"]);
});
