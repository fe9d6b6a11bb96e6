// @vitest-environment jsdom
import {
  ComposerPrimitive,
  MessagePrimitive,
  ThreadListItemPrimitive,
  ThreadListPrimitive,
  ThreadPrimitive,
} from "@assistant-ui/react";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { API, Elsewhere, newUser, tokenFor } from "./service.js";

afterEach(() => {
  cleanup();
  vi.unstubAllEnvs();
});

// jsdom has no layout.
vi.stubGlobal(
  "ResizeObserver",
  class {
    observe() {}
    unobserve() {}
    disconnect() {}
  },
);
Element.prototype.scrollTo = () => {};

function Message() {
  return (
    <MessagePrimitive.Root>
      <MessagePrimitive.Parts />
    </MessagePrimitive.Root>
  );
}

function Item() {
  return (
    <ThreadListItemPrimitive.Root>
      <ThreadListItemPrimitive.Trigger>
        <ThreadListItemPrimitive.Title fallback="New" />
      </ThreadListItemPrimitive.Trigger>
      <ThreadListItemPrimitive.Delete>Delete</ThreadListItemPrimitive.Delete>
    </ThreadListItemPrimitive.Root>
  );
}

function Page() {
  return (
    <>
      <ThreadListPrimitive.Root>
        <ThreadListPrimitive.Items components={{ ThreadListItem: Item }} />
      </ThreadListPrimitive.Root>
      <ThreadPrimitive.Root>
        <ThreadPrimitive.Viewport>
          <ThreadPrimitive.Messages components={{ Message }} />
        </ThreadPrimitive.Viewport>
        <ComposerPrimitive.Root>
          <ComposerPrimitive.Input aria-label="Message" />
          <ComposerPrimitive.Send>Send</ComposerPrimitive.Send>
        </ComposerPrimitive.Root>
      </ThreadPrimitive.Root>
    </>
  );
}

const SLOW = { timeout: 60_000 };

test("the example lists, opens, continues and deletes a thread", async () => {
  const user = newUser();
  const elsewhere = new Elsewhere(user);
  const id = await elsewhere.create({ title: "Weather" });
  await elsewhere.append(id, { id: "q1", role: "user", content: "How is the weather?" });
  vi.stubEnv("API", API);
  vi.stubEnv("TOKEN", tokenFor(user));
  const { Chats } = await import("../assistant-ui/example/chats.js");
  render(
    <Chats>
      <Page />
    </Chats>,
  );
  fireEvent.click(await screen.findByRole("button", { name: "Weather" }, SLOW));
  await screen.findByText("How is the weather?", {}, SLOW);
  fireEvent.change(screen.getByRole("textbox", { name: "Message" }), { target: { value: "And tomorrow?" } });
  fireEvent.click(screen.getByRole("button", { name: "Send" }));
  await screen.findByText("Answer 2", {}, SLOW);
  await expect.poll(async () => (await elsewhere.ids(id)).length).toBe(3);
  fireEvent.click(screen.getByRole("button", { name: "Delete" }));
  await expect.poll(() => elsewhere.list()).toEqual([]);
  expect(screen.queryByRole("button", { name: "Weather" })).toBeNull();
});
