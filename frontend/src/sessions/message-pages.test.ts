// @vitest-environment node
import { expect, test } from "vitest";
import type { Message, Session } from "../api/types";
import { messagesOf, withMessages, withoutMessagesFrom } from "./message-pages";

const message = (sequence: number) => ({ sequence, id: `m${sequence}` }) as Message;
const page = (...messages: number[]) => ({ messages: messages.map(message) }) as Session;
const pages = (...all: Session[]) => ({ pages: all, pageParams: all.map(() => null) });
const sequences = (data: ReturnType<typeof pages>) => messagesOf(data).map(({ sequence }) => sequence);

test("messages of pages that load newest first are in ascending order", () => {
  expect(sequences(pages(page(4, 5), page(2, 3)))).toEqual([2, 3, 4, 5]);
});

test("a sent message appears once, whether or not it was loaded before", () => {
  expect(sequences(withMessages(pages(page(0, 1)), [message(2)]) as ReturnType<typeof pages>)).toEqual([0, 1, 2]);
  expect(sequences(withMessages(pages(page(0, 1)), [message(1)]) as ReturnType<typeof pages>)).toEqual([0, 1]);
});

test("a cut drops messages from every page", () => {
  expect(sequences(withoutMessagesFrom(pages(page(4, 5), page(2, 3)), 3) as ReturnType<typeof pages>)).toEqual([2]);
});
