import { beforeEach, expect, test, vi } from "vitest";
import { editOf, NEW_CHAT, TypedText } from "./typed-text";

beforeEach(() => sessionStorage.clear());

const message = (id: string, content = id, chat = "a") => ({ id, chat, content });

test("drafts belong to their chats and survive a reload", () => {
  const typed = new TypedText("ann");
  typed.setDraft("a", "Alpha");
  typed.setDraft(NEW_CHAT, "New");
  typed.setDraft("b", "gone");
  typed.setDraft("b", "");
  const reloaded = new TypedText("ann");
  expect(["a", "b", NEW_CHAT, "constructor"].map(reloaded.draftOf)).toEqual(["Alpha", "", "New", ""]);
});

test("nobody reads what another user has typed", () => {
  new TypedText("ann").setDraft(NEW_CHAT, "Ann's");
  expect(new TypedText("bob").draftOf(NEW_CHAT)).toBe("");
});

test("messages are kept in their order until they have arrived", () => {
  const typed = new TypedText("ann");
  typed.send(message("1"));
  typed.send(message("2"));
  typed.failed("1", new Error("No."));
  typed.send(message("1"));
  expect(typed.outgoing().map(({ id }) => id)).toEqual(["1", "2"]);
  expect(new TypedText("ann").outgoing()).toEqual([message("1"), message("2")]);
  typed.arrived("1");
  expect(typed.outgoing()).toEqual([message("2")]);
  expect(typed.sending()).toEqual(new Map([["2", "sending"]]));
});

test("a failed message that is edited stands before what was typed since", () => {
  const typed = new TypedText("ann");
  typed.send(message("1", "first"));
  typed.setDraft("a", "second");
  typed.edit(message("1", "first"));
  expect(typed.draftOf("a")).toBe("first\n\nsecond");
  expect(typed.outgoing()).toEqual([]);
});

test("everything typed into a chat can be had in one piece", () => {
  const typed = new TypedText("ann");
  typed.send(message("1", "one"));
  typed.send(message("2", "other chat", "b"));
  typed.setDraft("a", "two");
  expect(typed.textOf("a")).toBe("one\n\ntwo");
});

test("a first message keeps its ids until it is another one, also after a reload", () => {
  const typed = new TypedText("ann");
  const first = typed.firstMessage("Hello");
  expect(new TypedText("ann").firstMessage("Hello")).toEqual(first);
  expect(typed.firstMessage("Hello!").id).not.toBe(first.id);
  typed.endFirst();
  expect(typed.firstMessage("Hello").chat).not.toBe(first.chat);
});

test("of a chat that the user has deleted nothing is left", () => {
  const typed = new TypedText("ann");
  typed.setDraft("a", "draft");
  typed.send(message("1"));
  typed.setDraft("b", "stays");
  typed.forget(["a"]);
  expect([typed.textOf("a"), typed.textOf("b")]).toEqual(["", "stays"]);
});

test("where nothing can be stored the page itself remembers", () => {
  vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
    throw new DOMException("full", "QuotaExceededError");
  });
  const typed = new TypedText("ann");
  typed.setDraft("a", "Alpha");
  expect(typed.draftOf("a")).toBe("Alpha");
});

test("what is stored and cannot be read is nothing", () => {
  sessionStorage.setItem("chat-sessions:typed:ann", "{");
  expect(new TypedText("ann").draftOf("a")).toBe("");
});

test("an edit survives a reload, and is among what can be copied when its chat is gone", () => {
  const typed = new TypedText("ann");
  typed.setDraft("a", "draft");
  typed.beginEdit("a", "1", "edited");
  const reloaded = new TypedText("ann");
  expect([reloaded.editedIn("a"), reloaded.draftOf(editOf("a")), reloaded.draftOf("a")]).toEqual([
    "1",
    "edited",
    "draft",
  ]);
  expect(reloaded.textOf("a")).toBe("edited\n\ndraft");
  reloaded.endEdit("a");
  expect([reloaded.editedIn("a"), reloaded.textOf("a")]).toEqual([null, "draft"]);
});

test("an edit goes with its chat", () => {
  const typed = new TypedText("ann");
  typed.beginEdit("a", "1", "a secret");
  typed.forget(["a"]);
  expect(typed.editedIn("a")).toBeNull();
  expect(JSON.stringify({ ...sessionStorage })).not.toContain("a secret");
});

test("what an older version of the page has kept is read", () => {
  sessionStorage.setItem(
    "chat-sessions:typed:ann",
    JSON.stringify({ drafts: [["a", "draft"]], outgoing: [], first: null }),
  );
  const typed = new TypedText("ann");
  expect([typed.draftOf("a"), typed.editedIn("a")]).toEqual(["draft", null]);
});
