import { QueryClient } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import { http } from "msw";
import { expect, test, vi } from "vitest";
import { ChatSidebar } from "../sidebar/chat-sidebar";
import { BASE_URL, problem, SESSIONS, service, summary } from "../test/service";

test("an error in handling an event is reported, and the next event is still handled", async () => {
  const [alpha, beta] = [summary("Alpha"), summary("Beta")];
  service.sessions = [alpha];
  render(<ChatSidebar baseUrl={BASE_URL} getToken={() => "token"} onSelect={() => undefined} />);
  await screen.findByRole("button", { name: "Alpha" });
  await service.openFeed();

  const error = new Error("A callback of the host failed.");
  const reported = vi.fn();
  vi.stubGlobal("reportError", reported);
  const invalidate = QueryClient.prototype.invalidateQueries;
  vi.spyOn(QueryClient.prototype, "invalidateQueries").mockImplementation(function (
    this: QueryClient,
    filters,
    ...rest
  ) {
    if (filters?.queryKey?.includes(alpha.id)) {
      throw error;
    }
    return invalidate.call(this, filters, ...rest);
  });
  service.emit("session.updated", { id: alpha.id });
  await waitFor(() => expect(reported).toHaveBeenCalledExactlyOnceWith(error));

  service.sessions = [beta, alpha];
  service.emit("session.created", { id: beta.id }, "2-0");
  expect(await screen.findByRole("button", { name: "Beta" })).toBeInTheDocument();
});

const HOUR = 3_600_000;

test.each([
  ["reads its list once if nothing has changed since", HOUR, 1],
  ["reads its list again if something may have changed since", 0, 2],
])("a new page %s", async (_, quietMs, reads) => {
  const [alpha, beta] = [summary("Alpha"), summary("Beta")];
  service.sessions = [alpha];
  render(<ChatSidebar baseUrl={BASE_URL} getToken={() => "token"} onSelect={() => undefined} />);
  await screen.findByRole("button", { name: "Alpha" });
  await service.openQuietFeed(quietMs);
  const lists = () => service.requests.filter((request) => request.includes("sessions?"));
  await waitFor(() => expect(lists()).toHaveLength(reads));

  service.sessions = [beta, alpha];
  service.emit("session.created", { id: beta.id });
  await screen.findByRole("button", { name: "Beta" });
  // The event reads it once more.
  await waitFor(() => expect(lists()).toHaveLength(reads + 1));
});

test("a list that could not be loaded is read again when the feed opens", async () => {
  service.sessions = [summary("Alpha")];
  let fails = true;
  service.server.use(http.get(SESSIONS, () => (fails ? problem(503, "database-unavailable") : undefined)));
  render(<ChatSidebar baseUrl={BASE_URL} getToken={() => "token"} onSelect={() => undefined} />);
  await screen.findByRole("alert");
  fails = false;
  await service.openQuietFeed(HOUR);
  expect(await screen.findByRole("button", { name: "Alpha" })).toBeInTheDocument();
});
