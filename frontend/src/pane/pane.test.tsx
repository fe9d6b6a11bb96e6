import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test, vi } from "vitest";
import {
  type ChatMessage,
  ChatPane,
  type ChatPaneProps,
  ChatSessionsProvider,
  type MessageContent,
  StartPane,
} from "..";
import { BASE_URL, SESSIONS, service, summary } from "../test/service";

const connection = { baseUrl: BASE_URL, getToken: () => "token" };
const field = () => screen.findByRole<HTMLTextAreaElement>("textbox", { name: "Message" });
const posts = () => service.requests.filter((call) => call.startsWith("POST"));

test.each([{ isComposing: true }, { keyCode: 229 }])("the Enter of an input method sends nothing (%o)", async (key) => {
  const onStart = vi.fn();
  render(
    <ChatSessionsProvider {...connection}>
      <StartPane onStart={onStart} />
    </ChatSessionsProvider>,
  );
  await userEvent.type(await field(), "にほん");
  fireEvent.keyDown(await field(), { key: "Enter", ...key });
  expect((await field()).value).toBe("にほん");
  expect(posts()).toEqual([]);
  await userEvent.type(await field(), "{Enter}");
  await waitFor(() => expect(onStart).toHaveBeenCalledTimes(1));
  expect(posts()).toEqual(["POST /api/chat/sessions"]);
});

test("a chat that fails to render breaks neither the page nor the next chat", async () => {
  const [broken, fine] = [summary("Broken"), summary("Fine")];
  service.sessions = [broken, fine];
  const page = { user_id: "u", has_more_messages: false, oldest_sequence: 0 };
  service.server.use(
    http.get(`${SESSIONS}/${broken.id}`, () => HttpResponse.json({ ...broken, ...page, messages: null })),
  );
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const pane = (id: string) => (
    <ChatSessionsProvider {...connection}>
      <h1>{"the page"}</h1>
      <ChatPane id={id} onLeave={() => undefined} />
    </ChatSessionsProvider>
  );
  const { rerender } = render(pane(broken.id));
  expect(await screen.findByRole("alert")).toHaveTextContent("Something went wrong");
  expect(screen.getByRole("heading", { name: "the page" })).toBeInTheDocument();
  rerender(pane(fine.id));
  expect(await field()).toBeInTheDocument();
});

const opened = (id: string, props: Partial<ChatPaneProps> = {}) => (
  <ChatSessionsProvider {...connection}>
    <ChatPane id={id} onLeave={() => undefined} {...props} />
  </ChatSessionsProvider>
);
const log = () => screen.getByRole("log", { name: "Messages" });
const scroller = () => screen.getByRole("region", { name: "Messages" });
const said = (of: HTMLElement) =>
  within(of)
    .queryAllByRole("listitem")
    .map((item) => item.querySelector("[title]")?.textContent);

/** Adds messages from another device. */
function arrive(chat: string, ...messages: object[]): void {
  service.append(chat, messages);
  service.emit("session.updated", { id: chat });
}

/** jsdom does not scroll. */
function scrollTo(top: number): void {
  scroller().scrollTop = top;
  fireEvent.scroll(scroller());
}

test("only messages that arrive after the chat was opened are announced", async () => {
  const chat = service.chat({ role: "user", content: "one" }, { role: "assistant", content: "two" });
  render(opened(chat));
  await screen.findByText("two");
  expect(said(log())).toEqual([]);
  await service.openFeed();
  arrive(chat, { role: "assistant", content: "three" });
  await waitFor(() => expect(said(log())).toEqual(["three"]));
  expect(said(scroller())).toEqual(["one", "two", "three"]);
  expect(log()).toHaveAttribute("aria-relevant", "additions");
  expect(within(log()).getByRole("button", { name: "Copy message" }).parentElement).toHaveAttribute("aria-live", "off");
});

test("older messages are not announced", async () => {
  const chat = service.chat(...Array.from({ length: 60 }, (_, index) => ({ role: "user", content: `${index}` })));
  render(opened(chat));
  await userEvent.click(await screen.findByRole("button", { name: "Load older messages" }));
  await screen.findByText("0");
  expect(said(scroller())).toHaveLength(60);
  expect(said(log())).toEqual([]);
});

test("a sent message keeps its element once stored, so it is announced once", async () => {
  const chat = service.chat();
  let store = () => {};
  service.server.use(
    http.post(`${SESSIONS}/:id/messages`, async () => {
      await new Promise<void>((resolve) => {
        store = resolve;
      });
    }),
  );
  render(opened(chat));
  await userEvent.type(await field(), "Hello{Enter}");
  const item = await within(log()).findByRole("listitem");
  expect(item).toHaveAttribute("data-unsent");
  expect(await field()).toHaveValue("");
  await waitFor(() => {
    store();
    expect(item).not.toHaveAttribute("data-unsent");
  });
  expect(within(log()).getByRole("listitem")).toBe(item);
});

test("sending a message scrolls to the end", async () => {
  const chat = service.chat({ role: "assistant", content: "one" });
  render(opened(chat));
  await screen.findByText("one");
  scrollTo(-500);
  const scrollsTo = vi.spyOn(scroller(), "scrollTo");
  await userEvent.type(await field(), "Hello{Enter}");
  expect(scrollsTo).toHaveBeenCalledWith({ top: 0 });
});

test("while the end is out of view, a button counts new messages and scrolls to them", async () => {
  const chat = service.chat({ role: "assistant", content: "one" });
  render(opened(chat));
  await screen.findByText("one");
  await service.openFeed();
  expect(screen.queryByRole("button", { name: /newest|new message/ })).not.toBeInTheDocument();
  scrollTo(-500);
  expect(screen.getByRole("button", { name: "Jump to the newest message" })).toBeInTheDocument();
  arrive(chat, { role: "assistant", content: "two" });
  expect(await screen.findByRole("button", { name: "1 new message" })).toBeInTheDocument();
  arrive(chat, { role: "user", content: "three" });
  const pill = await screen.findByRole("button", { name: "2 new messages" });
  const scrollsTo = vi.spyOn(scroller(), "scrollTo");
  await userEvent.click(pill);
  expect(scrollsTo).toHaveBeenCalledWith({ top: 0 });
  scrollTo(0);
  expect(screen.queryByRole("button", { name: /newest|new message/ })).not.toBeInTheDocument();
  scrollTo(-500);
  expect(screen.getByRole("button", { name: "Jump to the newest message" })).toBeInTheDocument();
});

test("new messages do not move the reading position in browsers without scroll anchoring", async () => {
  const chat = service.chat({ role: "assistant", content: "one" });
  render(opened(chat));
  await screen.findByText("one");
  await service.openFeed();
  Object.defineProperty(scroller(), "scrollHeight", {
    get: () => 1000 * within(scroller()).getAllByRole("listitem").length,
  });
  scrollTo(-500);
  arrive(chat, { role: "assistant", content: "two" }, { role: "assistant", content: "three" });
  await screen.findByText("three");
  expect(scroller().scrollTop).toBe(-2500);
});

test("a message is copied as written", async () => {
  const user = userEvent.setup();
  const chat = service.chat({ role: "assistant", content: "**one**", refusal: "two" }, { role: "user", content: "" });
  render(opened(chat));
  await user.click(await screen.findByRole("button", { name: "Copy message" }));
  expect(await navigator.clipboard.readText()).toBe("**one**\n\ntwo");
  await waitFor(() => expect(screen.getAllByRole("status").map(({ textContent }) => textContent)).toContain("Copied"));
});

test("every message shows a speaker and some content", async () => {
  const chat = service.chat(
    { role: "constructor", content: "one" },
    { role: "user", name: "Ann", content: 42 },
    { role: "assistant", content: null },
    { role: "assistant", content: null, refusal: "No." },
  );
  render(opened(chat));
  await screen.findByText("Declined to answer");
  const items = within(scroller()).getAllByRole("listitem");
  expect(items.map(({ textContent }) => textContent)).toEqual([
    "constructorone",
    "Anncontent",
    "AssistantEmpty message",
    "AssistantDeclined to answerNo.",
  ]);
});

test("a host can render messages, and an error of its own affects only one message", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const chat = service.chat({ role: "user", content: "one" }, { role: "user", content: "two", metadata: { cost: 3 } });
  let isBroken = true;
  const renderMessage = (message: ChatMessage, { content }: MessageContent) => {
    if (message.sequence === 0 && isBroken) {
      throw new Error("A bug of the host.");
    }
    return (
      <>
        {content} <em>{String(message.metadata.cost)}</em>
      </>
    );
  };
  render(opened(chat, { renderMessage }));
  await screen.findByText("two");
  expect(said(scroller())).toEqual(["Couldn’t show this message. Retry", "two 3"]);
  isBroken = false;
  await userEvent.click(screen.getByRole("button", { name: "Retry" }));
  expect(said(scroller())).toEqual(["one undefined", "two 3"]);
});
