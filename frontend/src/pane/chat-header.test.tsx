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
    await user.click(screen.getByRole("button", { name: "More for this chat" }));
    await user.click(await screen.findByRole("menuitem", { name: action }));
  };
  return { alpha, onLeave, user, choose };
}

test("the open chat is renamed in its header", async () => {
  const { user, choose } = await show();
  await choose(/Rename/);
  const field = await screen.findByRole("textbox", { name: "New title for “Alpha”" });
  await waitFor(() => expect(field).toHaveFocus());
  await user.keyboard("Beta{Enter}");
  await waitFor(() => expect(heading()).toBe("Beta"));
  expect(service.sessions[0]?.title).toBe("Beta");
  expect(screen.getByRole("button", { name: "More for this chat" })).toHaveFocus();
});

test("it is pinned and archived there, which the menu then offers to undo", async () => {
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

test("it is deleted there after a question, and left", async () => {
  const { onLeave, user, choose } = await show();
  await choose(/^Delete/);
  const question = () => screen.findByRole("alertdialog", { name: "Delete “Alpha”?" });
  await user.click(within(await question()).getByRole("button", { name: "Cancel" }));
  await waitFor(() => expect(screen.getByRole("button", { name: "More for this chat" })).toHaveFocus());
  expect(onLeave).not.toHaveBeenCalled();
  await choose(/^Delete/);
  await user.click(within(await question()).getByRole("button", { name: "Delete" }));
  await waitFor(() => expect(onLeave).toHaveBeenCalledOnce());
  expect(service.sessions).toEqual([]);
});

test("its link is copied, whole", async () => {
  const { alpha, user } = await show();
  await user.click(screen.getByRole("button", { name: "Copy link" }));
  expect(await navigator.clipboard.readText()).toBe(`${location.origin}/c/${alpha.id}`);
});
