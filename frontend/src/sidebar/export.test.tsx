import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test, vi } from "vitest";
import { BASE_URL, problem, service, summary } from "../test/service";
import { ChatSidebar } from "./chat-sidebar";

test("all chats are downloaded as a file, and a failure shows a Retry", async () => {
  service.sessions = [summary("Alpha")];
  const files: Blob[] = [];
  const names: string[] = [];
  URL.createObjectURL = (file) => `blob:${files.push(file as Blob)}`;
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
    names.push(this.download);
  });
  service.server.use(http.get(`${BASE_URL}/api/chat/export`, () => problem(503, "database-unavailable")));
  render(<ChatSidebar baseUrl={BASE_URL} getToken={() => "token"} onSelect={() => undefined} />);
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name: "More" }));
  await user.click(await screen.findByRole("menuitem", { name: "Export all chats" }));
  await screen.findByText("Couldn’t export your chats");
  expect(files).toEqual([]);

  service.server.use(http.get(`${BASE_URL}/api/chat/export`, () => new HttpResponse('{"id":"1"}\n')));
  await user.click(screen.getByRole("button", { name: "Retry" }));
  await screen.findByText("Exported your chats.");
  await waitFor(() => expect(screen.queryByText("Couldn’t export your chats")).not.toBeInTheDocument());
  expect(await files[0]?.text()).toBe('{"id":"1"}\n');
  expect(names).toEqual([expect.stringMatching(/^chats-\d{4}-\d\d-\d\d\.jsonl$/)]);
});
