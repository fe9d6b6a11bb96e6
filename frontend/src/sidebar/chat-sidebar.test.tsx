import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test, vi } from "vitest";
import { saying } from "../test/queries";
import { BASE_URL, notFound, problem, SESSIONS, service, summary, tooManyRequests } from "../test/service";
import { ChatSidebar } from "./chat-sidebar";

function show(selectedId: string | null = null) {
  const onSelect = vi.fn();
  render(<ChatSidebar baseUrl={BASE_URL} getToken={() => "token"} selectedId={selectedId} onSelect={onSelect} />);
  return { onSelect, user: userEvent.setup() };
}

const row = (title: string) => screen.getByRole("button", { name: title });
const titles = () => [...document.querySelectorAll("li[data-session]")].map((item) => item.textContent);

const openSearch = (user: ReturnType<typeof userEvent.setup>) =>
  user.click(screen.getByRole("button", { name: "Search chats" }));

async function askToDelete(user: ReturnType<typeof userEvent.setup>, title: string) {
  await user.click(await screen.findByRole("button", { name: `Delete “${title}”` }));
  return within(await screen.findByRole("alertdialog", { name: `Delete “${title}”?` }));
}

test("it lists chats and opens one", async () => {
  service.sessions = [summary("Alpha"), summary(null)];
  const { onSelect, user } = show();
  expect(screen.getByRole("status", { name: "Loading chats" })).toBeInTheDocument();
  await user.click(await screen.findByRole("button", { name: "Alpha" }));
  expect(onSelect).toHaveBeenCalledWith(service.sessions[0]?.id);
  expect(titles()).toEqual(["Alpha", "New chat"]);
});

test("headings show the month of older chats, and pinned rows have no icon", async () => {
  const year = new Date().getFullYear() - 1;
  service.sessions = [
    summary("Alpha", { is_pinned: true }),
    summary("Beta", { updated_at: new Date(year, 4, 15).toISOString() }),
  ];
  show();
  await screen.findByRole("button", { name: "Alpha" });
  const headings = screen.getAllByRole("heading", { level: 3 }).map((heading) => heading.textContent);
  expect(headings).toEqual(["Pinned", `May ${year}`]);
  expect(row("Alpha").querySelector("svg")).toBeNull();
});

test("without selectedId it remembers the open chat", async () => {
  service.sessions = [summary("Alpha")];
  render(<ChatSidebar baseUrl={BASE_URL} getToken={() => "token"} onSelect={() => undefined} />);
  await userEvent.click(await screen.findByRole("button", { name: "Alpha" }));
  expect(row("Alpha")).toHaveAttribute("aria-current", "page");
});

test("an error in the host's renderRow breaks only the sidebar, and Retry renders it again", async () => {
  service.sessions = [summary("Alpha")];
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  let isBroken = true;
  const renderRow = () => {
    if (isBroken) {
      throw new Error("A bug.");
    }
    return <b>{"fixed"}</b>;
  };
  render(
    <>
      <h1>{"the page"}</h1>
      <ChatSidebar baseUrl={BASE_URL} getToken={() => "token"} onSelect={() => undefined} renderRow={renderRow} />
    </>,
  );
  expect(await screen.findByRole("alert")).toHaveTextContent("Something went wrong");
  expect(screen.getByRole("heading", { name: "the page" })).toBeInTheDocument();
  isBroken = false;
  await userEvent.click(screen.getByRole("button", { name: "Retry" }));
  expect(await screen.findByText("fixed")).toBeInTheDocument();
});

test("an empty list and an empty search result look different", async () => {
  const { user } = show();
  await screen.findByText("No chats yet");
  await openSearch(user);
  await user.type(screen.getByRole("textbox", { name: "Search chats" }), "x");
  await screen.findByText("No results");
});

test("a list that cannot be loaded is an error with a Retry", async () => {
  service.sessions = [summary("Alpha")];
  service.server.use(http.get(SESSIONS, () => problem(503, "database-unavailable")));
  const { user } = show();
  expect(await screen.findByRole("alert")).toHaveTextContent("The service is unavailable right now.");
  expect(screen.queryByText("No chats yet")).not.toBeInTheDocument();
  service.server.resetHandlers();
  await user.click(screen.getByRole("button", { name: "Retry" }));
  expect(await screen.findByRole("button", { name: "Alpha" })).toBeInTheDocument();
});

/** Rejects every read with 429, and returns the rejected paths. */
function refuseReads(seconds: number) {
  const refused: string[] = [];
  const refuse = ({ request }: { request: Request }) => {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith("/events")) {
      return;
    }
    refused.push(pathname);
    return tooManyRequests(seconds);
  };
  service.server.use(http.get(SESSIONS, refuse), http.get(`${SESSIONS}/:id`, refuse));
  return refused;
}

test("after too many requests, the error shows at once, with a Retry", async () => {
  service.sessions = [summary("Alpha")];
  const refused = refuseReads(30);
  service.server.use(http.get(`${SESSIONS}/events`, () => tooManyRequests(30)));
  const { user } = show();
  expect(await screen.findByRole("alert")).toHaveTextContent("Too many requests. Try again in 30 seconds.");
  expect(refused).toEqual(["/api/chat/sessions"]);
  service.server.resetHandlers();
  await user.click(screen.getByRole("button", { name: "Retry" }));
  expect(await screen.findByRole("button", { name: "Alpha" })).toBeInTheDocument();
});

test("a short Retry-After is waited out without an error", async () => {
  service.sessions = [summary("Alpha")];
  const times: number[] = [];
  service.server.use(
    http.get(SESSIONS, () => {
      times.push(Date.now());
      return times.length === 1 ? tooManyRequests(1) : undefined;
    }),
  );
  show();
  expect(await screen.findByRole("button", { name: "Alpha" })).toBeInTheDocument();
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990);
});

test("after too many requests, further events cause no more requests", async () => {
  const [alpha, beta] = [summary("Alpha"), summary("Beta")];
  service.sessions = [alpha, beta];
  show();
  await screen.findByRole("button", { name: "Alpha" });
  await service.openFeed();
  const refused = refuseReads(30);
  service.emit("session.updated", { id: alpha.id });
  await waitFor(() => expect(refused).toContain(`/api/chat/sessions/${alpha.id}`));
  for (let event = 2; event < 20; event += 1) {
    service.emit("session.updated", { id: alpha.id }, `${event}-0`);
  }
  service.emit("session.deleted", { id: beta.id }, "20-0");
  await waitFor(() => expect(titles()).toEqual(["Alpha"]));
  expect(refused).toEqual([`/api/chat/sessions/${alpha.id}`]);
});

test("deleting a chat removes its row, and only deleting the open chat selects none", async () => {
  const [alpha, beta] = [summary("Alpha"), summary("Beta")];
  service.sessions = [alpha, beta];
  const { onSelect, user } = show(beta.id);
  await user.click((await askToDelete(user, "Alpha")).getByRole("button", { name: "Delete" }));
  await waitFor(() => expect(titles()).toEqual(["Beta"]));
  expect(onSelect).not.toHaveBeenCalled();

  await user.click((await askToDelete(user, "Beta")).getByRole("button", { name: "Delete" }));
  await screen.findByText("No chats yet");
  expect(onSelect).toHaveBeenCalledExactlyOnceWith(null);
});

test("Cancel and Escape send nothing", async () => {
  service.sessions = [summary("Alpha")];
  const { user } = show();
  await user.click((await askToDelete(user, "Alpha")).getByRole("button", { name: "Cancel" }));
  await waitFor(() => expect(screen.queryByRole("alertdialog")).not.toBeInTheDocument());
  await askToDelete(user, "Alpha");
  await user.keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByRole("alertdialog")).not.toBeInTheDocument());
  expect(service.requests.some((call) => call.startsWith("DELETE"))).toBe(false);
});

test("deleting an already deleted chat removes its row and says so", async () => {
  service.sessions = [summary("Alpha"), summary("Beta")];
  service.server.use(http.delete(`${SESSIONS}/:id`, () => notFound()));
  const { user } = show();
  await user.click((await askToDelete(user, "Alpha")).getByRole("button", { name: "Delete" }));
  await waitFor(() => expect(titles()).toEqual(["Beta"]));
  expect(screen.getByText(saying("“Alpha” was already deleted."))).toBeInTheDocument();
});

test.each([
  ["503", () => problem(503, "database-unavailable")],
  ["a proxy's 404", () => HttpResponse.json({ detail: "Not Found" }, { status: 404 })],
  ["no response", () => HttpResponse.error()],
])("the row stays after a failure (%s)", async (_, respond) => {
  service.sessions = [summary("Alpha")];
  service.server.use(http.delete(`${SESSIONS}/:id`, respond));
  const { onSelect, user } = show(service.sessions[0]?.id);
  await user.click((await askToDelete(user, "Alpha")).getByRole("button", { name: "Delete" }));
  expect(await screen.findByText(saying("Couldn’t delete “Alpha”"))).toBeInTheDocument();
  expect(titles()).toEqual(["Alpha"]);
  expect(onSelect).not.toHaveBeenCalled();
  service.server.resetHandlers();
  await user.click(screen.getByRole("button", { name: "Retry" }));
  await screen.findByText("No chats yet");
});

test("a deletion whose response is lost does not fail if the feed reports it", async () => {
  const [alpha, beta] = [summary("Alpha"), summary("Beta")];
  service.sessions = [alpha, beta];
  service.server.use(
    http.delete(`${SESSIONS}/:id`, async () => {
      service.sessions = [];
      service.emit("session.deleted", { id: alpha.id });
      service.emit("session.deleted", { id: beta.id }, "2-0");
      // By now, the first event has been handled as well.
      await waitFor(() => expect(titles()).toEqual(["Alpha"]));
      return HttpResponse.error();
    }),
  );
  const { user } = show();
  await screen.findByRole("button", { name: "Alpha" });
  await service.openFeed();
  await user.click((await askToDelete(user, "Alpha")).getByRole("button", { name: "Delete" }));
  await screen.findByText("Deleted “Alpha”.");
  expect(screen.queryByText(saying("Couldn’t delete “Alpha”"))).not.toBeInTheDocument();
});

test("a rename shows at once, and is undone if it fails", async () => {
  service.sessions = [summary("Alpha"), summary("Beta")];
  let refuse: () => void = () => undefined;
  const refused = new Promise<void>((resolve) => {
    refuse = resolve;
  });
  service.server.use(
    http.patch(`${SESSIONS}/:id`, async () => {
      await refused;
      return problem(503, "database-unavailable");
    }),
  );
  const { user } = show();
  (await screen.findByRole("button", { name: "Beta" })).focus();
  await user.keyboard("{F2}");
  const field = await screen.findByRole("textbox", { name: "New title for “Beta”" });
  await waitFor(() => expect(field).toHaveFocus());
  await user.keyboard("Better{Enter}");
  expect(titles()).toEqual(["Alpha", "Better"]);
  refuse();
  await waitFor(() => expect(titles()).toEqual(["Alpha", "Beta"]));
  expect(screen.getByText(saying("Couldn’t rename “Beta”"))).toBeInTheDocument();
});

test("a failed rename does not undo a later pin", async () => {
  service.sessions = [summary("Alpha"), summary("Beta")];
  let refuse: () => void = () => undefined;
  const refused = new Promise<void>((resolve) => {
    refuse = resolve;
  });
  service.server.use(
    http.patch(`${SESSIONS}/:id`, async ({ request }) => {
      if (!("title" in ((await request.clone().json()) as object))) {
        return undefined;
      }
      await refused;
      return problem(503, "database-unavailable");
    }),
  );
  const { user } = show();
  (await screen.findByRole("button", { name: "Beta" })).focus();
  await user.keyboard("{F2}");
  await waitFor(() => expect(screen.getByRole("textbox", { name: "New title for “Beta”" })).toHaveFocus());
  await user.keyboard("Better{Enter}p");
  await screen.findByRole("heading", { name: "Pinned" });
  await screen.findByText("Pinned “Better”.");
  refuse();
  await screen.findByText(saying("Couldn’t rename “Beta”"));
  expect(titles()).toEqual(["Beta", "Alpha"]);
  expect(screen.getByRole("heading", { name: "Pinned" })).toBeInTheDocument();
});

test("Enter and Escape of an input method do not end a rename", async () => {
  service.sessions = [summary("Alpha")];
  const { user } = show();
  (await screen.findByRole("button", { name: "Alpha" })).focus();
  await user.keyboard("{F2}");
  const field = screen.getByRole("textbox", { name: "New title for “Alpha”" });
  for (const key of ["Enter", "Escape"]) {
    fireEvent.keyDown(field, { key, keyCode: 229 });
    expect(field).toBeInTheDocument();
  }
});

test("a search announces how many chats it has found", async () => {
  service.sessions = [summary("Alpha"), summary("Alphabet"), summary("Beta")];
  const { user } = show();
  await openSearch(user);
  await user.type(screen.getByRole("textbox", { name: "Search chats" }), "alph");
  await screen.findByText("2 chats found.");
});

test("a search finds messages and shows the match, and Enter opens the first hit", async () => {
  const [alpha, beta, gamma] = [summary("Alpha"), summary("Beta", { is_archived: true }), summary("Gamma")];
  service.sessions = [alpha, beta, gamma];
  service.snippets = { [beta.id]: "We took the ferry." };
  const { onSelect, user } = show();
  await screen.findByRole("button", { name: "Alpha" });
  await openSearch(user);
  await user.keyboard("ferry{Enter}");
  await waitFor(() => expect(onSelect).toHaveBeenCalledExactlyOnceWith(beta.id));
  expect(titles()).toEqual(["BetaWe took the ferry.Archived"]);
  expect(document.querySelector("mark")).toHaveTextContent("ferry");
  expect(screen.getByText("1 chat found.")).toBeInTheDocument();
  await user.keyboard("{Escape}");
  await waitFor(() => expect(titles()).toEqual(["Alpha", "Gamma"]));
});

test("Enter does not open a hit of an earlier search text", async () => {
  service.sessions = [summary("Alpha"), summary("Beta")];
  const { onSelect, user } = show();
  await screen.findByRole("button", { name: "Alpha" });
  await openSearch(user);
  await user.keyboard("a{Enter}");
  await user.keyboard("lpha!");
  await screen.findByText("No results");
  await user.keyboard("{Enter}");
  expect(onSelect).not.toHaveBeenCalled();
});

test("all results of a search can be selected at once", async () => {
  service.sessions = [summary("Alpha"), summary("Alphabet"), summary("Beta")];
  const { user } = show();
  await openSearch(user);
  await user.type(screen.getByRole("textbox", { name: "Search chats" }), "alph");
  await screen.findByText("2 chats found.");
  await user.click(screen.getByRole("button", { name: "More" }));
  expect(screen.queryByRole("menuitem", { name: /Delete all/ })).not.toBeInTheDocument();
  await user.click(await screen.findByRole("menuitem", { name: "Select all results" }));
  await user.click(await screen.findByRole("button", { name: "Delete" }));
  const dialog = within(await screen.findByRole("alertdialog", { name: "Delete 2 chats?" }));
  expect(dialog.getAllByRole("listitem").map((item) => item.textContent)).toEqual(["Alpha", "Alphabet"]);
});

test("events update the list", async () => {
  const [alpha, beta] = [summary("Alpha"), summary("Beta")];
  service.sessions = [alpha];
  show();
  await screen.findByRole("button", { name: "Alpha" });
  await service.openFeed();
  service.sessions = [{ ...beta, updated_at: new Date().toISOString() }, alpha];
  service.emit("session.created", { id: beta.id });
  await waitFor(() => expect(titles()).toEqual(["Beta", "Alpha"]));
  await waitFor(() => expect(document.querySelector("li[data-session]")).toHaveAttribute("aria-setsize", "2"));
  service.sessions = [beta];
  service.emit("session.deleted", { id: alpha.id });
  await waitFor(() => expect(titles()).toEqual(["Beta"]));
  service.sessions = [];
  service.emit("reset", {});
  await screen.findByText("No chats yet");
});

test("Delete all requires the word to be typed", async () => {
  service.sessions = [summary("Alpha"), summary("Beta")];
  const { user } = show();
  await screen.findByRole("button", { name: "Alpha" });
  await user.click(screen.getByRole("button", { name: "More" }));
  await user.click(await screen.findByRole("menuitem", { name: "Delete all chats…" }));
  const dialog = within(await screen.findByRole("alertdialog", { name: "Delete all 2 chats?" }));
  expect(dialog.getByRole("button", { name: "Delete 2 chats" })).toBeDisabled();
  await user.type(dialog.getByRole("textbox"), "delete");
  await user.click(dialog.getByRole("button", { name: "Delete 2 chats" }));
  await screen.findByText("No chats yet");
});
