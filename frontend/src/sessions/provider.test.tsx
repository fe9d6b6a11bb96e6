import { QueryClient, QueryClientProvider, skipToken, useQuery } from "@tanstack/react-query";
import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http } from "msw";
import { hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { expect, test, vi } from "vitest";
import { ChatSessionsProvider, ChatSidebar, Problem, StartPane } from "..";
import { BASE_URL, notFound, problem, SESSIONS, service, summary } from "../test/service";

const connection = { baseUrl: BASE_URL, getToken: () => "token" };
const ignore = () => undefined;

function Host() {
  return <p>{useQuery<string>({ queryKey: ["session"], queryFn: skipToken }).data}</p>;
}

function spies() {
  return {
    onCreated: vi.fn(),
    onDeleted: vi.fn(),
    onError: vi.fn(),
    onOpened: vi.fn(),
    onPinned: vi.fn(),
    onRenamed: vi.fn(),
  };
}

async function deleteByDialog(title: string): Promise<void> {
  await userEvent.click(await screen.findByRole("button", { name: `Delete “${title}”` }));
  await userEvent.click(await screen.findByRole("button", { name: "Delete" }));
}

test("each action of the user calls its callback once", async () => {
  const [alpha, beta] = [summary("Alpha"), summary("Beta")];
  service.sessions = [alpha, beta];
  const callbacks = spies();
  render(<ChatSidebar {...connection} {...callbacks} onSelect={ignore} />);
  await userEvent.click(await screen.findByRole("button", { name: "Alpha" }));
  expect(callbacks.onOpened).toHaveBeenCalledExactlyOnceWith(alpha);
  await userEvent.keyboard("p");
  await waitFor(() => expect(callbacks.onPinned).toHaveBeenCalledOnce());
  expect(callbacks.onPinned.mock.lastCall?.[0]).toMatchObject({ id: alpha.id, is_pinned: true });

  await userEvent.keyboard("{F2}");
  await userEvent.type(await screen.findByRole("textbox", { name: "New title for “Alpha”" }), " one{Enter}");
  await waitFor(() => expect(callbacks.onRenamed).toHaveBeenCalledOnce());
  expect(callbacks.onRenamed.mock.lastCall?.[0]).toMatchObject({ id: alpha.id, title: "Alpha one" });

  await deleteByDialog("Beta");
  await waitFor(() => expect(callbacks.onDeleted).toHaveBeenCalledExactlyOnceWith([beta.id]));
  expect(callbacks.onError).not.toHaveBeenCalled();
});

test("deleting several chats calls onDeleted once with all ids", async () => {
  service.sessions = [summary("Alpha"), summary("Beta")];
  const ids = service.sessions.map(({ id }) => id);
  const callbacks = spies();
  render(<ChatSidebar {...connection} {...callbacks} onSelect={ignore} />);
  (await screen.findByRole("button", { name: "Alpha" })).focus();
  await userEvent.keyboard("x{Control>}a{/Control}{Delete}");
  await userEvent.click(await screen.findByRole("button", { name: "Delete", hidden: false }));
  await waitFor(() => expect(callbacks.onDeleted).toHaveBeenCalledExactlyOnceWith(ids));
});

test("a chat deleted elsewhere does not call onDeleted", async () => {
  const [alpha, beta] = [summary("Alpha"), summary("Beta")];
  service.sessions = [alpha, beta];
  const callbacks = spies();
  render(<ChatSidebar {...connection} {...callbacks} onSelect={ignore} />);
  await screen.findByRole("button", { name: "Alpha" });
  await service.openFeed();
  service.sessions = [beta];
  service.emit("session.deleted", { id: alpha.id });
  await waitFor(() => expect(screen.queryByRole("button", { name: "Alpha" })).not.toBeInTheDocument());
  expect(callbacks.onDeleted).not.toHaveBeenCalled();
});

test("failed reads and changes call onError, but deleting an already deleted chat does not", async () => {
  service.server.use(http.get(SESSIONS, () => problem(422, "validation"), { once: true }));
  service.sessions = [summary("Alpha"), summary("Beta")];
  const callbacks = spies();
  render(<ChatSidebar {...connection} {...callbacks} onSelect={ignore} />);
  await screen.findByRole("alert");
  expect(callbacks.onError).toHaveBeenCalledOnce();
  await userEvent.click(screen.getByRole("button", { name: "Retry" }));

  service.server.use(http.delete(`${SESSIONS}/:id`, () => problem(503, "database-unavailable"), { once: true }));
  await deleteByDialog("Alpha");
  await waitFor(() => expect(callbacks.onError).toHaveBeenCalledTimes(2));
  const error: unknown = callbacks.onError.mock.lastCall?.[0];
  expect(error).toBeInstanceOf(Problem);
  expect(error).toMatchObject({ status: 503 });
  expect(callbacks.onDeleted).not.toHaveBeenCalled();

  service.server.use(http.delete(`${SESSIONS}/:id`, () => notFound()));
  await deleteByDialog("Beta");
  await waitFor(() => expect(callbacks.onDeleted).toHaveBeenCalledOnce());
  expect(callbacks.onError).toHaveBeenCalledTimes(2);
});

test("a callback that throws does not stop the deletion", async () => {
  const reported = vi.spyOn(globalThis, "reportError").mockImplementation(ignore);
  service.sessions = [summary("Alpha"), summary("Beta")];
  const fault = new Error("of the host");
  const throws = () => {
    throw fault;
  };
  render(<ChatSidebar {...connection} onDeleted={throws} onSelect={ignore} />);
  await deleteByDialog("Alpha");
  await waitFor(() => expect(screen.queryByRole("button", { name: "Alpha" })).not.toBeInTheDocument());
  await waitFor(() => expect(screen.queryByRole("alertdialog")).not.toBeInTheDocument());
  expect(reported).toHaveBeenCalledExactlyOnceWith(fault);
});

test("a sidebar inside a provider calls its own callbacks and the provider's", async () => {
  service.sessions = [summary("Alpha")];
  const [above, own] = [spies(), spies()];
  render(
    <ChatSessionsProvider {...connection} {...above}>
      <ChatSidebar {...own} onSelect={ignore} />
    </ChatSessionsProvider>,
  );
  await deleteByDialog("Alpha");
  await waitFor(() => expect(own.onDeleted).toHaveBeenCalledOnce());
  expect(above.onDeleted).toHaveBeenCalledOnce();
});

test("starting a chat calls onCreated", async () => {
  const callbacks = spies();
  const onStart = vi.fn();
  render(
    <ChatSessionsProvider {...connection} {...callbacks}>
      <StartPane onStart={onStart} />
    </ChatSessionsProvider>,
  );
  await userEvent.type(screen.getByRole("textbox", { name: "Message" }), "Hello{Enter}");
  await waitFor(() => expect(onStart).toHaveBeenCalledOnce());
  expect(callbacks.onCreated).toHaveBeenCalledOnce();
  expect(callbacks.onCreated.mock.lastCall?.[0]).toMatchObject({ id: onStart.mock.lastCall?.[0], title: "Hello" });
});

test("a sidebar without baseUrl and getToken throws an error that names both", () => {
  vi.spyOn(console, "error").mockImplementation(ignore);
  expect(() => render(<ChatSidebar onSelect={ignore} />)).toThrow("Give this component a `baseUrl` and a `getToken`");
});

test("the host's query client keeps its own settings and data", async () => {
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: 0, retry: false, throwOnError: true } } });
  client.setQueryData(["session"], "the host's");
  service.sessions = [summary("Alpha")];
  let reads = 0;
  service.server.use(
    http.get(SESSIONS, () => {
      reads += 1;
      return reads === 1 ? problem(503, "database-unavailable") : undefined;
    }),
  );
  render(
    <QueryClientProvider client={client}>
      <ChatSidebar {...connection} queryClient={client} onSelect={ignore} />
      <Host />
    </QueryClientProvider>,
  );
  // The first failure is retried, as without the host's client.
  expect(await screen.findByRole("button", { name: "Alpha" })).toBeInTheDocument();
  expect(reads).toBe(2);
  await service.openFeed();
  const before = reads;
  service.emit("reset", {});
  await waitFor(() => expect(reads).toBe(before + 1));
  expect(screen.getByText("the host's")).toBeInTheDocument();
  expect(client.getQueryState(["session"])?.isInvalidated).toBe(false);
});

test("with the host's query client, the next user does not see the previous user's chats", async () => {
  const client = new QueryClient();
  service.sessions = [summary("Alpha")];
  const sidebarOf = (user: string) => (
    <ChatSidebar {...connection} user={user} queryClient={client} onSelect={ignore} />
  );
  const { rerender } = render(sidebarOf("ada"));
  await screen.findByRole("button", { name: "Alpha" });
  service.sessions = [];
  rerender(sidebarOf("emmy"));
  expect(screen.queryByRole("button", { name: "Alpha" })).not.toBeInTheDocument();
  expect(await screen.findByText("No chats yet")).toBeInTheDocument();
});

test("the HTML from a server hydrates without differences", async () => {
  service.sessions = [summary("Alpha")];
  const sidebar = <ChatSidebar {...connection} onSelect={ignore} />;
  const container = document.createElement("div");
  document.body.append(container);
  container.innerHTML = renderToString(sidebar);
  // A setting that only the browser has.
  localStorage.setItem("chat-sessions:slash", "off");
  const onRecoverableError = vi.fn();
  const root = await act(async () => hydrateRoot(container, sidebar, { onRecoverableError }));
  expect(await screen.findByRole("button", { name: "Alpha" })).toBeInTheDocument();
  expect(onRecoverableError).not.toHaveBeenCalled();
  await act(async () => root.unmount());
  container.remove();
});
