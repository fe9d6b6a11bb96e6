import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test, vi } from "vitest";
import { ChatPane, ChatSessionsProvider, StartPane } from "..";
import { BASE_URL, SESSIONS, service, summary } from "../test/service";

const connection = { baseUrl: BASE_URL, getToken: () => "token" };
const field = () => screen.findByRole<HTMLTextAreaElement>("textbox", { name: "Message" });
const posts = () => service.asked.filter((call) => call.startsWith("POST"));

test.each([{ isComposing: true }, { keyCode: 229 }])("the Enter of an input method sends nothing (%o)", async (key) => {
  const onStart = vi.fn();
  render(
    <ChatSessionsProvider {...connection}>
      <StartPane onStart={onStart} />
    </ChatSessionsProvider>,
  );
  await userEvent.type(await field(), "にほん");
  fireEvent.keyDown(await field(), { key: "Enter", ...key });
  expect((await field()).value).toBe("にほん");
  expect(posts()).toEqual([]);
  await userEvent.type(await field(), "{Enter}");
  await waitFor(() => expect(onStart).toHaveBeenCalledTimes(1));
  expect(posts()).toEqual(["POST /api/chat/sessions"]);
});

test("a message that cannot be drawn breaks its chat, and neither the page nor the next chat", async () => {
  const [broken, fine] = [summary("Broken"), summary("Fine")];
  service.sessions = [broken, fine];
  const page = { user_id: "u", has_more_messages: false, oldest_sequence: 0 };
  const message = { id: "m", sequence: 0, role: "user", name: null, created_at: broken.created_at, content: 42 };
  service.server.use(
    http.get(`${SESSIONS}/${broken.id}`, () => HttpResponse.json({ ...broken, ...page, messages: [message] })),
  );
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const pane = (id: string) => (
    <ChatSessionsProvider {...connection}>
      <h1>{"the page"}</h1>
      <ChatPane id={id} onLeave={() => undefined} />
    </ChatSessionsProvider>
  );
  const { rerender } = render(pane(broken.id));
  expect(await screen.findByRole("alert")).toHaveTextContent("Something went wrong here");
  expect(screen.getByRole("heading", { name: "the page" })).toBeInTheDocument();
  rerender(pane(fine.id));
  expect(await field()).toBeInTheDocument();
});
