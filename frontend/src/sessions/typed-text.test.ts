import { expect, test, vi } from "vitest";
import { editOf, NEW_CHAT, TypedText } from "./typed-text";

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

test("users do not share drafts", () => {
  new TypedText("ann").setDraft(NEW_CHAT, "Ann's");
  expect(new TypedText("bob").draftOf(NEW_CHAT)).toBe("");
});

test("outgoing messages keep their order until they are stored", () => {
  const typed = new TypedText("ann");
  typed.send(message("1"));
  typed.send(message("2"));
  typed.failed("1", new Error("No."));
  typed.send(message("1"));
  expect(typed.outgoing().map(({ id }) => id)).toEqual(["1", "2"]);
  expect(new TypedText("ann").outgoing()).toEqual([message("1"), message("2")]);
  typed.remove("1");
  expect(typed.outgoing()).toEqual([message("2")]);
  expect(typed.sending()).toEqual(new Map([["2", "sending"]]));
});

test("editing a failed message puts it before what was typed since", () => {
  const typed = new TypedText("ann");
  typed.send(message("1", "first"));
  typed.setDraft("a", "second");
  typed.edit(message("1", "first"));
  expect(typed.draftOf("a")).toBe("first\n\nsecond");
  expect(typed.outgoing()).toEqual([]);
});

test("outgoing messages and the draft of a chat make one text", () => {
  const typed = new TypedText("ann");
  typed.send(message("1", "one"));
  typed.send(message("2", "other chat", "b"));
  typed.setDraft("a", "two");
  expect(typed.textOf("a")).toBe("one\n\ntwo");
});

test("a first message keeps its ids across reloads until its text changes", () => {
  const typed = new TypedText("ann");
  const first = typed.firstMessage("Hello");
  expect(new TypedText("ann").firstMessage("Hello")).toEqual(first);
  expect(typed.firstMessage("Hello!").id).not.toBe(first.id);
  typed.endFirst();
  expect(typed.firstMessage("Hello").chat).not.toBe(first.chat);
});

test("nothing of a deleted chat is kept", () => {
  const typed = new TypedText("ann");
  typed.setDraft("a", "draft");
  typed.send(message("1"));
  typed.setDraft("b", "stays");
  typed.forget(["a"]);
  expect([typed.textOf("a"), typed.textOf("b")]).toEqual(["", "stays"]);
});

test("if storage is full, drafts are kept in memory", () => {
  vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
    throw new DOMException("full", "QuotaExceededError");
  });
  const typed = new TypedText("ann");
  typed.setDraft("a", "Alpha");
  expect(typed.draftOf("a")).toBe("Alpha");
});

test("corrupt stored data is ignored", () => {
  sessionStorage.setItem("chat-sessions:typed:ann", "{");
  expect(new TypedText("ann").draftOf("a")).toBe("");
});

test("an edit survives a reload, and is part of the text of its chat", () => {
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

test("deleting a chat removes its edit", () => {
  const typed = new TypedText("ann");
  typed.beginEdit("a", "1", "a secret");
  typed.forget(["a"]);
  expect(typed.editedIn("a")).toBeNull();
  expect(JSON.stringify({ ...sessionStorage })).not.toContain("a secret");
});

test("data stored without edits can be read", () => {
  sessionStorage.setItem(
    "chat-sessions:typed:ann",
    JSON.stringify({ drafts: [["a", "draft"]], outgoing: [], first: null }),
  );
  const typed = new TypedText("ann");
  expect([typed.draftOf("a"), typed.editedIn("a")]).toEqual(["draft", null]);
});
