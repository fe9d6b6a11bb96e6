import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { ChatSidebar, type RowAction } from "..";
import { BASE_URL, service, summary } from "../test/service";

const connection = { baseUrl: BASE_URL, getToken: () => "token", onSelect: () => undefined };

test("a row with the host's content still opens the chat", async () => {
  const alpha = summary("Alpha", { metadata: { model: "Opus" } });
  service.sessions = [alpha];
  const onSelect = vi.fn();
  render(
    <ChatSidebar
      {...connection}
      onSelect={onSelect}
      renderRow={(session, { content }) => (
        <>
          {content} <em>{String(session.metadata.model)}</em>
        </>
      )}
    />,
  );
  await userEvent.click(await screen.findByRole("button", { name: "Alpha Opus" }));
  expect(onSelect).toHaveBeenCalledExactlyOnceWith(alpha.id);
});

test("the host's actions are in the row, in its tab order, and in its menu", async () => {
  const [alpha, beta] = [summary("Alpha"), summary("Beta")];
  service.sessions = [alpha, beta];
  const [share, archive] = [vi.fn(), vi.fn()];
  const rowActions = (): RowAction[] => [
    { label: "Share", icon: "↗", onSelect: share, placement: "row" },
    { label: "Move", onSelect: archive },
    { label: "Never", onSelect: archive, disabled: true },
  ];
  render(<ChatSidebar {...connection} rowActions={rowActions} />);
  const row = (await screen.findByRole("button", { name: "Beta" })).closest("li") as HTMLElement;
  expect(await within(row).findByRole("button", { name: "Share" })).toHaveAttribute("tabindex", "-1");
  const [first] = screen.getAllByRole("button", { name: "Share" });
  expect(first).toHaveAttribute("tabindex", "0");
  await userEvent.click(within(row).getByRole("button", { name: "Share" }));
  expect(share).toHaveBeenCalledExactlyOnceWith(beta);
  expect(within(row).queryByRole("button", { name: "Move" })).not.toBeInTheDocument();

  await userEvent.click(within(row).getByRole("button", { name: "More actions for “Beta”" }));
  expect(await screen.findByRole("menuitem", { name: "Never" })).toHaveAttribute("aria-disabled", "true");
  expect(screen.queryByRole("menuitem", { name: /Share/ })).not.toBeInTheDocument();
  await userEvent.click(screen.getByRole("menuitem", { name: "Move" }));
  expect(archive).toHaveBeenCalledExactlyOnceWith(beta);
});
