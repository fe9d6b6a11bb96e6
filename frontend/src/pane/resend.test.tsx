import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { beforeEach, expect, test, vi } from "vitest";
import { ChatPane, type ChatPaneProps, ChatSessionsProvider } from "..";
import { BASE_URL, problem, SESSIONS, service } from "../test/service";

const MESSAGES = `${SESSIONS}/:id/messages`;
const onSent = vi.fn();

beforeEach(() => {
  onSent.mockClear();
});

function open(id: string, props: Partial<ChatPaneProps> = {}) {
  return render(
    <ChatSessionsProvider baseUrl={BASE_URL} getToken={() => "token"} onSent={onSent}>
      <ChatPane id={id} onLeave={() => undefined} {...props} />
    </ChatSessionsProvider>,
  );
}

/** Creates a chat with two questions and their answers. */
function twoQuestions(): string {
  return service.chat(
    { role: "user", content: "one" },
    { role: "assistant", content: "first answer" },
    { role: "user", content: "two" },
    { role: "assistant", content: "second answer" },
  );
}

const press = async (name: string) => userEvent.click(await screen.findByRole("button", { name }));
const field = (name = "Message") => screen.findByRole<HTMLTextAreaElement>("textbox", { name });
const shown = () =>
  within(screen.getByRole("region", { name: "Messages" }))
    .getAllByRole("listitem")
    .map((item) => item.querySelector("[dir=auto]:not(span)")?.textContent);
const stored = (chat: string) => (service.messages.get(chat) ?? []).map(({ content }) => content);
const requests = (method: string) => service.requests.filter((call) => call.startsWith(method));

async function sendEdit(text: string): Promise<void> {
  await press("Edit message");
  const edit = await field("Edit message");
  await userEvent.clear(edit);
  await userEvent.type(edit, `${text}{Enter}`);
}

test("an edit replaces the user's last message and everything after it", async () => {
  const chat = twoQuestions();
  open(chat);
  await press("Edit message");
  const edit = await field("Edit message");
  expect(edit).toHaveValue("two");
  expect(edit).toHaveFocus();
  await userEvent.type(edit, " and a half{Enter}");
  await waitFor(() => expect(shown()).toEqual(["one", "first answer", "two and a half"]));
  await waitFor(() => expect(stored(chat)).toEqual(["one", "first answer", "two and a half"]));
  expect(requests("DELETE")).toEqual([`DELETE /api/chat/sessions/${chat}/messages?from_sequence=2`]);
  const { id } = service.messages.get(chat)?.at(-1) ?? {};
  expect(service.appended).toEqual([
    { messages: [{ id, role: "user", content: "two and a half", metadata: {} }], after_sequence: 1 },
  ]);
  await waitFor(() => expect(onSent).toHaveBeenCalledExactlyOnceWith({ id, chat, content: "two and a half" }));
  expect(await field()).toHaveValue("");
  expect(sessionStorage.getItem("chat-sessions:typed:")).not.toContain("two");
});

test("while an edit is being sent, the messages that it replaces are hidden", async () => {
  const chat = twoQuestions();
  open(chat);
  await screen.findByText("second answer");
  let reply: ((response: Response) => void) | undefined;
  service.server.use(
    http.delete(
      MESSAGES,
      () =>
        new Promise<Response>((resolve) => {
          reply = resolve;
        }),
    ),
  );
  await sendEdit("edited");
  expect(shown()).toEqual(["one", "first answer", "edited"]);
  expect(screen.queryByRole("button", { name: "Edit message" })).not.toBeInTheDocument();
  await waitFor(() => expect(reply).toBeDefined());
  reply?.(problem(422, "validation"));
  await waitFor(() => expect(shown()).toEqual(["one", "first answer", "two", "second answer", "edited"]));
});

test("only the user's last message can be edited, and only an answer regenerated", async () => {
  const chat = service.chat(
    { role: "user", content: "one" },
    { role: "user", content: "two" },
    { role: "assistant", content: [{ type: "tool_use", id: "1", name: "add", input: {} }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "1", content: "2" }] },
  );
  const { unmount } = open(chat);
  const edit = await screen.findByRole("button", { name: "Edit message" });
  expect(edit.closest("li")).toHaveTextContent("two");
  expect(screen.getByRole("button", { name: "Regenerate" }).closest("li")).toHaveTextContent("Used add");
  unmount();
  open(service.chat({ role: "user", content: "one" }));
  await screen.findByRole("button", { name: "Edit message" });
  expect(screen.queryByRole("button", { name: "Regenerate" })).not.toBeInTheDocument();
});

test("cancelling an edit restores the draft", async () => {
  open(twoQuestions());
  await userEvent.type(await field(), "draft");
  await press("Edit message");
  await userEvent.type(await field("Edit message"), "!");
  expect([...document.querySelectorAll("[data-replaced]")].map(({ textContent }) => textContent)).toEqual([
    "Youtwo",
    "Assistantsecond answer",
  ]);
  await press("Cancel");
  expect(document.querySelector("[data-replaced]")).toBeNull();
  expect(await field()).toHaveValue("draft");
  expect(await field()).toHaveFocus();
  await press("Edit message");
  expect(await field("Edit message")).toHaveValue("two");
  expect(service.appended).toEqual([]);
});

test("an edit survives a reload", async () => {
  const chat = twoQuestions();
  const { unmount } = open(chat);
  await press("Edit message");
  await userEvent.type(await field("Edit message"), "!");
  unmount();
  open(chat);
  expect(await field("Edit message")).toHaveValue("two!");
});

test("if the edited message can no longer be edited, the edit becomes a draft", async () => {
  const chat = twoQuestions();
  open(chat);
  await userEvent.type(await field(), "draft");
  await press("Edit message");
  await userEvent.type(await field("Edit message"), "!");
  await service.openFeed();
  service.append(chat, [{ role: "user", content: "three" }]);
  service.emit("session.updated", { id: chat });
  expect(await field()).toHaveValue("two!\n\ndraft");
});

test.each([
  ["the cut", "delete"],
  ["reading the end of the conversation", "get"],
] as const)("an edit is kept if %s fails, and nothing is cut", async (_, method) => {
  const chat = twoQuestions();
  open(chat);
  await screen.findByText("second answer");
  const url = method === "get" ? `${SESSIONS}/:id` : MESSAGES;
  service.server.use(http[method](url, () => problem(422, "validation"), { once: true }));
  await sendEdit("edited");
  const failed = (await screen.findByText(/Not sent\./)).closest("li") as HTMLElement;
  await waitFor(() => expect(shown()).toEqual(["one", "first answer", "two", "second answer", "edited"]));
  expect(stored(chat)).toEqual(["one", "first answer", "two", "second answer"]);
  await userEvent.click(within(failed).getByRole("button", { name: "Retry" }));
  await waitFor(() => expect(stored(chat)).toEqual(["one", "first answer", "edited"]));
  await waitFor(() => expect(shown()).toEqual(["one", "first answer", "edited"]));
});

test("a failed edit can be edited again and cancelled", async () => {
  const chat = twoQuestions();
  open(chat);
  await screen.findByText("second answer");
  service.server.use(http.delete(MESSAGES, () => problem(422, "validation")));
  await sendEdit("edited");
  await press("Edit");
  expect(await field("Edit message")).toHaveValue("edited");
  await press("Cancel");
  expect(shown()).toEqual(["one", "first answer", "two", "second answer"]);
});

test("an edit is kept if the page is closed between the cut and the append, and cuts nothing twice", async () => {
  const chat = twoQuestions();
  const { unmount } = open(chat);
  await screen.findByText("second answer");
  service.server.use(http.post(MESSAGES, () => HttpResponse.error(), { once: true }));
  await sendEdit("edited");
  await screen.findByText(/Not sent\./);
  expect(stored(chat)).toEqual(["one", "first answer"]);
  unmount();

  open(chat);
  await screen.findByText(/Not sent\./);
  expect(shown()).toEqual(["one", "first answer", "edited"]);
  await press("Retry");
  await waitFor(() => expect(stored(chat)).toEqual(["one", "first answer", "edited"]));
  expect(requests("DELETE")).toHaveLength(1);
});

test("an edit whose response was lost is stored once", async () => {
  const chat = twoQuestions();
  open(chat);
  await screen.findByText("second answer");
  service.server.use(
    http.post<{ id: string }, { messages: object[] }>(
      MESSAGES,
      async ({ request }) => {
        service.append(chat, (await request.json()).messages);
        return HttpResponse.error();
      },
      { once: true },
    ),
  );
  await sendEdit("edited");
  await waitFor(() => expect(shown()).toEqual(["one", "first answer", "edited"]));
  await waitFor(() => expect(screen.queryByText(/Not sent\./)).not.toBeInTheDocument());
  await waitFor(() => expect(sessionStorage.getItem("chat-sessions:typed:")).not.toContain("edited"));
  expect(stored(chat)).toEqual(["one", "first answer", "edited"]);
});

test("messages that the user has not seen are not cut, and the edit can be sent as a new message", async () => {
  const chat = twoQuestions();
  open(chat);
  await screen.findByText("second answer");
  service.append(chat, [{ role: "assistant", content: "unseen" }]);
  await sendEdit("edited");
  expect(await screen.findByText(/The chat has changed since you last saw it/)).toBeInTheDocument();
  expect(requests("DELETE")).toEqual([]);
  await press("Send as a new message");
  const all = ["one", "first answer", "two", "second answer", "unseen", "edited"];
  await waitFor(() => expect(stored(chat)).toEqual(all));
  await waitFor(() => expect(shown()).toEqual(all));
});

test("if a message arrives between the cut and the append, the edit is not sent", async () => {
  const chat = twoQuestions();
  open(chat);
  await screen.findByText("second answer");
  service.server.use(
    http.delete(
      MESSAGES,
      () => {
        service.cut(chat, 2);
        service.append(chat, [{ role: "user", content: "quicker" }]);
        return new HttpResponse(null, { status: 204 });
      },
      { once: true },
    ),
  );
  await sendEdit("edited");
  expect(await screen.findByText(/The chat has changed since you last saw it/)).toBeInTheDocument();
  await waitFor(() => expect(shown()).toEqual(["one", "first answer", "quicker", "edited"]));
  expect(stored(chat)).toEqual(["one", "first answer", "quicker"]);
});

test("a rename during an edit does not make it fail", async () => {
  const chat = twoQuestions();
  open(chat);
  await screen.findByText("second answer");
  service.server.use(
    http.delete(
      MESSAGES,
      () => {
        Object.assign(service.sessions[0] ?? {}, { title: "Beta" });
        return problem(412, "precondition-failed");
      },
      { once: true },
    ),
  );
  await sendEdit("edited");
  await waitFor(() => expect(stored(chat)).toEqual(["one", "first answer", "edited"]));
});

test("regenerating cuts the answer and resends the question with all its fields", async () => {
  const content = [
    { type: "text", text: "What is" },
    { type: "text", text: "this?" },
    { type: "image_url", image_url: { url: "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=" } },
  ];
  const chat = service.chat(
    { role: "user", content, metadata: { model: "Opus" }, locale: "en" },
    { role: "assistant", content: "A dot." },
  );
  open(chat);
  await press("Regenerate");
  await waitFor(() => expect(stored(chat)).toEqual([content]));
  const { id } = service.messages.get(chat)?.[0] ?? {};
  expect(service.appended).toEqual([
    { messages: [{ id, role: "user", content, metadata: { model: "Opus" }, locale: "en" }], after_sequence: -1 },
  ]);
  await waitFor(() => expect(onSent).toHaveBeenCalledExactlyOnceWith({ id, chat, content: "What is\n\nthis?" }));
});

test("an edit keeps the images of a message", async () => {
  const image = { type: "image_url", image_url: { url: "https://x.test/a.png" } };
  const chat = service.chat({
    role: "user",
    content: [image, { type: "text", text: "a" }, { type: "text", text: "b" }],
  });
  open(chat);
  await sendEdit("edited");
  await waitFor(() => expect(stored(chat)).toEqual([[image, { type: "text", text: "edited" }]]));
});

test("with onRegenerate, nothing is cut or sent", async () => {
  const chat = twoQuestions();
  const onRegenerate = vi.fn();
  open(chat, { onRegenerate });
  await press("Regenerate");
  expect(onRegenerate).toHaveBeenCalledExactlyOnceWith(service.messages.get(chat)?.[2]);
  expect(stored(chat)).toHaveLength(4);
  expect(service.appended).toEqual([]);
});

test("if regenerating fails before the cut, nothing is lost, and Retry works", async () => {
  const chat = twoQuestions();
  open(chat);
  await screen.findByText("second answer");
  service.server.use(http.delete(MESSAGES, () => problem(422, "validation"), { once: true }));
  await press("Regenerate");
  const toast = (await screen.findByText("Couldn’t regenerate the answer")).closest("[role=alert]") as HTMLElement;
  await waitFor(() => expect(shown()).toEqual(["one", "first answer", "two", "second answer"]));
  fireEvent.click(within(toast).getByRole("button", { name: "Retry" }));
  await waitFor(() => expect(stored(chat)).toEqual(["one", "first answer", "two"]));
});

test("if regenerating fails after the cut, the question stays", async () => {
  const chat = twoQuestions();
  open(chat);
  await screen.findByText("second answer");
  service.server.use(http.post(MESSAGES, () => problem(422, "validation"), { once: true }));
  await press("Regenerate");
  await screen.findByText(/Not sent\./);
  expect(shown()).toEqual(["one", "first answer", "two"]);
  await press("Retry");
  await waitFor(() => expect(stored(chat)).toEqual(["one", "first answer", "two"]));
});
