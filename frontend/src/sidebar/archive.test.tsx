import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http } from "msw";
import { expect, test, vi } from "vitest";
import { saying } from "../test/queries";
import { BASE_URL, problem, SESSIONS, service, summary } from "../test/service";
import { ChatSidebar } from "./chat-sidebar";

const titles = () => [...document.querySelectorAll("li[data-session]")].map((item) => item.textContent);
const isArchived = () => Object.fromEntries(service.sessions.map(({ title, is_archived }) => [title, is_archived]));

async function show() {
  const onArchived = vi.fn();
  render(
    <ChatSidebar baseUrl={BASE_URL} getToken={() => "token"} onSelect={() => undefined} onArchived={onArchived} />,
  );
  await waitFor(() => expect(titles()).not.toEqual([]));
  return { onArchived, user: userEvent.setup() };
}

test("archiving removes the chat from the list and focuses the next one, and Undo restores it", async () => {
  service.sessions = [summary("Alpha"), summary("Beta"), summary("Gamma")];
  const { onArchived, user } = await show();
  screen.getByRole("button", { name: "Beta" }).focus();
  await user.keyboard("e");
  await screen.findByText(saying("Archived “Beta”."));
  expect(titles()).toEqual(["Alpha", "Gamma"]);
  expect(screen.getByRole("button", { name: "Gamma" })).toHaveFocus();
  expect(document.querySelector("li[data-session]")).toHaveAttribute("aria-setsize", "2");
  expect(isArchived()).toEqual({ Alpha: false, Beta: true, Gamma: false });

  await user.click(screen.getByRole("button", { name: "Undo" }));
  await waitFor(() => expect(titles()).toEqual(["Alpha", "Beta", "Gamma"]));
  await screen.findByText(saying("Unarchived “Beta”."));
  expect(isArchived()).toEqual({ Alpha: false, Beta: false, Gamma: false });
  expect(onArchived.mock.calls.map(([{ title, is_archived }]) => [title, is_archived])).toEqual([
    ["Beta", true],
    ["Beta", false],
  ]);
});

test("archived chats have their own view, where they can be unarchived", async () => {
  service.sessions = [summary("Alpha"), summary("Beta", { is_archived: true })];
  const { user } = await show();
  expect(titles()).toEqual(["Alpha"]);
  await user.click(screen.getByRole("button", { name: "More" }));
  await user.click(await screen.findByRole("menuitem", { name: "Archived chats" }));
  await waitFor(() => expect(titles()).toEqual(["Beta"]));
  expect(screen.getByRole("heading", { level: 2, name: "Archived chats" })).toBeInTheDocument();

  await user.click(screen.getByRole("button", { name: "More actions for “Beta”" }));
  await user.click(await screen.findByRole("menuitem", { name: /Unarchive/ }));
  await screen.findByText("No archived chats");
  await user.click(screen.getByRole("button", { name: "Back to chats" }));
  await waitFor(() => expect(titles()).toEqual(["Alpha", "Beta"]));
  expect(screen.getByRole("heading", { level: 2, name: "Chats" })).toBeInTheDocument();
});

test("a chat that cannot be archived returns to the list, with a Retry", async () => {
  service.sessions = [summary("Alpha"), summary("Beta")];
  service.server.use(http.patch(`${SESSIONS}/:id`, () => problem(503, "database-unavailable")));
  const { user } = await show();
  screen.getByRole("button", { name: "Alpha" }).focus();
  await user.keyboard("e");
  await screen.findByText(saying("Couldn’t archive “Alpha”"));
  expect(titles()).toEqual(["Alpha", "Beta"]);
  service.server.resetHandlers();
  await user.click(screen.getByRole("button", { name: "Retry" }));
  await waitFor(() => expect(titles()).toEqual(["Beta"]));
});
