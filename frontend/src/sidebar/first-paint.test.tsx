import { render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { ChatSidebar } from "..";
import { BASE_URL, service, summary } from "../test/service";

const trash = (title: string) => screen.queryByRole("button", { name: `Delete “${title}”` });
const rows = () => document.querySelectorAll("li[data-session]");

/** Paints nothing until the returned function is called. */
function holdFrames(): () => void {
  let waiting: FrameRequestCallback[] = [];
  vi.spyOn(window, "requestAnimationFrame").mockImplementation((callback) => waiting.push(callback));
  return () => {
    const due = waiting;
    waiting = [];
    for (const callback of due) {
      callback(performance.now());
    }
  };
}

test("the first paint has the visible rows and the buttons that Tab reaches; the rest follows", async () => {
  service.sessions = Array.from({ length: 40 }, (_, index) => summary(`Chat ${index}`));
  const paint = holdFrames();
  render(<ChatSidebar baseUrl={BASE_URL} getToken={() => "token"} onSelect={() => undefined} />);
  await screen.findByRole("button", { name: "Chat 0" });
  expect(trash("Chat 0")).toBeInTheDocument();
  expect(trash("Chat 1")).not.toBeInTheDocument();
  const visible = rows().length;

  paint();
  expect(await screen.findByRole("button", { name: "Delete “Chat 1”" })).toBeInTheDocument();
  expect(rows().length).toBeGreaterThan(visible);
});
