import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http } from "msw";
import { expect, test } from "vitest";
import { ChatPane, ChatSessionsProvider, ChatSidebar } from "..";
import { StartPane } from "../pane/start-pane";
import { saying } from "../test/queries";
import { BASE_URL, problem, SESSIONS, service, summary } from "../test/service";
import { english, type Labels } from "./english";

/** Every label in brackets: letters outside them are text that no host can replace. */
const bracketed = Object.fromEntries(
  Object.entries(english).map(([name, label]) => [
    name,
    typeof label === "string"
      ? `⟦${label}⟧`
      : (...given: never[]) => `⟦${(label as (...given: never[]) => string)(...given)}⟧`,
  ]),
) as Labels;

const connection = { baseUrl: BASE_URL, getToken: () => "token" };
const KEY_CAPS = /^(F2|P|E|X)$/;

/** Texts on the page, or for screen readers, that are neither labels nor names of keys. */
function unlabelled(): string[] {
  const texts = [...document.querySelectorAll("body *:not(bdi)")].flatMap((element) => [
    ...ownTexts(element),
    ...["aria-label", "title", "placeholder", "alt"].map((name) => element.getAttribute(name) ?? ""),
  ]);
  return texts.filter((text) => /\p{Letter}/u.test(withoutLabels(text)) && !KEY_CAPS.test(text));
}

/** The texts of an element. A sentence around a user's text, which is in a bdi, is one text. */
function ownTexts(element: Element): string[] {
  const nodes = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
  const texts = nodes.map((node) => node.textContent ?? "");
  return element.querySelector(":scope > bdi") ? [texts.join("")] : texts;
}

function withoutLabels(text: string): string {
  const shorter = text.replace(/⟦[^⟦⟧]*⟧/gu, "");
  return shorter === text ? text : withoutLabels(shorter);
}

const button = (name: string) => screen.findByRole("button", { name });

test("the sidebar shows no text that is not a label", async () => {
  service.sessions = [summary("①", { is_pinned: true }), summary("②"), summary(null)];
  const user = userEvent.setup();
  render(<ChatSidebar {...connection} labels={bracketed} onSelect={() => undefined} onToggle={() => undefined} />);
  expect(unlabelled()).toEqual([]);
  await button("②");
  expect(unlabelled()).toEqual([]);

  await user.click(await button("⟦More actions for “②”⟧"));
  await screen.findByRole("menuitem", { name: /Rename/ });
  expect(unlabelled()).toEqual([]);
  await user.click(screen.getByRole("menuitem", { name: /Rename/ }));
  await screen.findByRole("textbox", { name: "⟦New title for “②”⟧" });
  expect(unlabelled()).toEqual([]);
  await user.keyboard("{Escape}");

  service.server.use(http.delete(`${SESSIONS}/:id`, () => problem(503, "database-unavailable")));
  await user.click(await button("⟦Delete “②”⟧"));
  const question = within(await screen.findByRole("alertdialog"));
  expect(unlabelled()).toEqual([]);
  await user.click(question.getByRole("button", { name: "⟦Delete⟧" }));
  await screen.findByText(saying("⟦Couldn’t delete “②”⟧"));
  expect(unlabelled()).toEqual([]);

  await user.click(await button("⟦More⟧"));
  await screen.findByRole("menuitem", { name: "⟦Select chats⟧" });
  expect(unlabelled()).toEqual([]);
  await user.click(screen.getByRole("menuitem", { name: "⟦Keyboard shortcuts⟧" }));
  await screen.findByRole("dialog");
  expect(unlabelled()).toEqual([]);
  await user.keyboard("{Escape}");

  await user.click(await button("⟦More⟧"));
  await user.click(await screen.findByRole("menuitem", { name: "⟦Delete all chats…⟧" }));
  await screen.findByRole("alertdialog", { name: "⟦Delete all 3 chats?⟧" });
  expect(unlabelled()).toEqual([]);
  await user.keyboard("{Escape}");

  await user.click(await button("⟦Search chats⟧"));
  await user.type(screen.getByRole("textbox", { name: "⟦Search chats⟧" }), "③");
  await screen.findByText("⟦No results⟧");
  expect(unlabelled()).toEqual([]);
});

test("selecting, an empty list and a failed list show no text that is not a label", async () => {
  service.sessions = [summary("①"), summary("②")];
  const user = userEvent.setup();
  const shown = render(<ChatSidebar {...connection} labels={bracketed} onSelect={() => undefined} />);
  (await button("①")).focus();
  await user.keyboard("x{Delete}");
  const dialog = within(await screen.findByRole("alertdialog"));
  expect(unlabelled()).toEqual([]);
  await user.click(dialog.getByRole("button", { name: "⟦Delete⟧" }));
  await waitFor(() => expect(screen.queryByRole("alertdialog")).not.toBeInTheDocument());
  shown.unmount();

  service.sessions = [];
  const empty = render(<ChatSidebar {...connection} labels={bracketed} onSelect={() => undefined} />);
  await screen.findByText("⟦No chats yet⟧");
  expect(unlabelled()).toEqual([]);
  empty.unmount();

  service.server.use(http.get(SESSIONS, () => problem(422, "validation")));
  render(<ChatSidebar {...connection} labels={bracketed} onSelect={() => undefined} />);
  await screen.findByText("⟦Couldn’t load your chats⟧");
  expect(unlabelled()).toEqual([]);
});

test("the panes show no text that is not a label", async () => {
  const open = summary("①");
  service.sessions = [open];
  const user = userEvent.setup();
  const pane = (id: string) => (
    <ChatSessionsProvider {...connection} labels={bracketed}>
      {id === "" ? <StartPane onStart={() => undefined} /> : <ChatPane id={id} onLeave={() => undefined} />}
    </ChatSessionsProvider>
  );
  const { rerender } = render(pane(open.id));
  expect(unlabelled()).toEqual([]);
  service.server.use(http.post(`${SESSIONS}/:id/messages`, () => problem(500, "internal-error")));
  await user.type(await screen.findByRole("textbox", { name: "⟦Message⟧" }), "1{Enter}");
  await screen.findByText(/⟦Not sent.⟧/);
  expect(unlabelled()).toEqual([]);
  rerender(pane("missing"));
  await screen.findByText("⟦Chat not found⟧");
  expect(unlabelled()).toEqual([]);
  rerender(pane(""));
  await screen.findByText("⟦What’s on your mind?⟧");
  expect(unlabelled()).toEqual([]);
});

test("messages show no text that is not a label", async () => {
  const code = "```\n1\n```\n\n| 1 |\n|---|\n| 2 |\n\n- [x] 1\n- [ ] 2\n\n![](https://1.test)";
  const chat = service.chat(
    { role: "user", content: code },
    { role: "assistant", content: null, refusal: "1", reasoning_content: "2" },
    { role: "assistant", content: null, tool_calls: [{ id: "1", function: { name: "", arguments: "1" } }] },
    { role: "tool", tool_call_id: "1", content: "1" },
    { role: "tool", tool_call_id: "2", content: "1" },
    { role: "user", content: [{ type: "file" }, { type: "image_url", image_url: { url: "data:image/png,1" } }] },
    { role: "assistant", content: null },
    { role: "assistant", content: [{ type: "tool_use", id: "1", name: "", input: {} }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "1", content: "1", is_error: true }] },
  );
  const user = userEvent.setup();
  render(
    <ChatSessionsProvider {...connection} labels={bracketed} locale="ja">
      <ChatPane id={chat} onLeave={() => undefined} />
    </ChatSessionsProvider>,
  );
  await screen.findByText("⟦Declined to answer⟧");
  for (const summary of document.querySelectorAll("summary")) {
    await user.click(summary);
  }
  await screen.findAllByText("⟦Input⟧");
  const addresses = unlabelled().filter((text) => text !== "https://1.test" && text !== "Alpha");
  expect(addresses).toEqual([]);
  const pane = screen.getByRole("region", { name: "⟦Messages⟧" });
  pane.scrollTop = -500;
  fireEvent.scroll(pane);
  await button("⟦Jump to the newest message⟧");
  await user.click((await screen.findAllByRole("button", { name: "⟦Copy message⟧" }))[0] as HTMLElement);
  await screen.findByText("⟦Copied⟧");
  await service.openFeed();
  service.append(chat, [
    { role: "user", content: "1" },
    { role: "assistant", content: "2" },
  ]);
  service.emit("session.updated", { id: chat });
  await button("⟦2 new messages⟧");
  await user.click(await button("⟦Edit message⟧"));
  await screen.findByText("⟦Editing your last message⟧");
  expect(unlabelled().filter((text) => text !== "https://1.test" && text !== "Alpha")).toEqual([]);
  service.server.use(
    http.delete(`${SESSIONS}/:id/messages`, () => {
      service.append(chat, [{ role: "assistant", content: "3" }]);
      return problem(412, "precondition-failed");
    }),
  );
  await user.keyboard("2{Enter}");
  await screen.findByText(/⟦The chat has changed since you last saw it.⟧/);
  expect(unlabelled().filter((text) => text !== "https://1.test" && text !== "Alpha")).toEqual([]);
});

test("labels that a host does not replace stay English", async () => {
  render(<ChatSidebar {...connection} labels={{ listEmpty: "Noch keine Chats" }} onSelect={() => undefined} />);
  expect(await screen.findByText("Noch keine Chats")).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "New chat" })).toBeInTheDocument();
});

test("a sidebar adds its labels to those of the provider above it", async () => {
  render(
    <ChatSessionsProvider {...connection} labels={{ listEmpty: "Noch keine Chats", chats: "Gespräche" }}>
      <ChatSidebar labels={{ chats: "Unterhaltungen" }} onSelect={() => undefined} />
    </ChatSessionsProvider>,
  );
  expect(await screen.findByText("Noch keine Chats")).toBeInTheDocument();
  expect(screen.getByRole("navigation", { name: "Unterhaltungen" })).toBeInTheDocument();
});

test("numbers follow the locale", async () => {
  service.server.use(
    http.post(`${SESSIONS}/batch-delete`, () => Response.json({ deleted: [], not_found: [], count: 1234 })),
  );
  service.sessions = [summary("①")];
  const user = userEvent.setup();
  render(<ChatSidebar {...connection} locale="de" onSelect={() => undefined} />);
  await button("①");
  await user.click(await button("More"));
  await user.click(await screen.findByRole("menuitem", { name: "Delete all chats…" }));
  expect(await screen.findByRole("alertdialog", { name: "Delete all 1.234 chats?" })).toBeInTheDocument();
});
