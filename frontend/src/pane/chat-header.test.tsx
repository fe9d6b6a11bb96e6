import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { ChatPane, ChatSessionsProvider } from "..";
import { BASE_URL, service, summary } from "../test/service";

const heading = () => screen.queryByRole("heading", { level: 1 })?.textContent;

async function show() {
  const onLeave = vi.fn();
  const alpha = summary("Alpha");
  service.sessions = [alpha];
  const user = userEvent.setup();
  render(
    <ChatSessionsProvider baseUrl={BASE_URL} getToken={() => "token"}>
      <ChatPane id={alpha.id} onLeave={onLeave} hrefOf={(id) => `/c/${id}`} />
    </ChatSessionsProvider>,
  );
  await screen.findByRole("heading", { level: 1, name: "Alpha" });
  const choose = async (action: RegExp) => {
    await user.click(screen.getByRole("button", { name: "More actions for this chat" }));
    await user.click(await screen.findByRole("menuitem", { name: action }));
  };
  return { alpha, onLeave, user, choose };
}

test("the header renames the open chat", async () => {
  const { user, choose } = await show();
  await choose(/Rename/);
  const field = await screen.findByRole("textbox", { name: "New title for “Alpha”" });
  await waitFor(() => expect(field).toHaveFocus());
  await user.keyboard("Beta{Enter}");
  await waitFor(() => expect(heading()).toBe("Beta"));
  expect(service.sessions[0]?.title).toBe("Beta");
  expect(screen.getByRole("button", { name: "More actions for this chat" })).toHaveFocus();
});

test("the menu pins and archives the open chat, and then offers to undo that", async () => {
  const { choose } = await show();
  await choose(/^Pin/);
  await waitFor(() => expect(service.sessions[0]?.is_pinned).toBe(true));
  await screen.findByText("Pinned “Alpha”.");
  await choose(/^Unpin/);
  await waitFor(() => expect(service.sessions[0]?.is_pinned).toBe(false));
  await choose(/^Archive/);
  await screen.findByRole("button", { name: "Undo" });
  expect(service.sessions[0]?.is_archived).toBe(true);
  await choose(/^Unarchive/);
  await waitFor(() => expect(service.sessions[0]?.is_archived).toBe(false));
});

test("the menu deletes the open chat after a confirmation", async () => {
  const { onLeave, user, choose } = await show();
  await choose(/^Delete/);
  const dialog = () => screen.findByRole("alertdialog", { name: "Delete “Alpha”?" });
  await user.click(within(await dialog()).getByRole("button", { name: "Cancel" }));
  await waitFor(() => expect(screen.getByRole("button", { name: "More actions for this chat" })).toHaveFocus());
  expect(onLeave).not.toHaveBeenCalled();
  await choose(/^Delete/);
  await user.click(within(await dialog()).getByRole("button", { name: "Delete" }));
  await waitFor(() => expect(onLeave).toHaveBeenCalledOnce());
  expect(service.sessions).toEqual([]);
});

test("Copy link copies the absolute URL of the chat", async () => {
  const { alpha, user } = await show();
  await user.click(screen.getByRole("button", { name: "Copy link" }));
  expect(await navigator.clipboard.readText()).toBe(`${location.origin}/c/${alpha.id}`);
});
