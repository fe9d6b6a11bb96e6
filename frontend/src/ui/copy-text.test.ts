import { expect, test, vi } from "vitest";
import { copyText } from "./copy-text";

/** Fakes the deprecated command, which copies the selection of the focused field. */
function commanding(works: boolean): string[] {
  const copied: string[] = [];
  document.execCommand = () => {
    const { value, selectionStart, selectionEnd } = document.activeElement as HTMLTextAreaElement;
    copied.push(value.slice(selectionStart, selectionEnd));
    return works;
  };
  return copied;
}

test("without a clipboard API, text is copied with the deprecated command, and the focus stays", async () => {
  vi.stubGlobal("navigator", {});
  const copied = commanding(true);
  const button = document.createElement("button");
  document.body.append(button);
  button.focus();
  expect(await copyText("hello\nworld")).toBe(true);
  expect(copied).toEqual(["hello\nworld"]);
  expect(document.activeElement).toBe(button);
  expect(document.querySelector("textarea")).toBeNull();
});

test("a failed copy is reported", async () => {
  vi.stubGlobal("navigator", {});
  commanding(false);
  expect(await copyText("hello")).toBe(false);
});

test("if the clipboard API rejects, the deprecated command is used", async () => {
  const copied = commanding(true);
  vi.stubGlobal("navigator", { clipboard: { writeText: () => Promise.reject(new Error("Denied")) } });
  expect(await copyText("hello")).toBe(true);
  expect(copied).toEqual(["hello"]);
});
