import { HttpResponse, http } from "msw";
import { expect, test, vi } from "vitest";
import { BASE_URL, notFound, problem, SESSIONS, service, summary } from "../test/service";
import { createApi } from "./client";
import { deleteSession } from "./delete-session";
import { getSession } from "./get-session";
import { listSessions } from "./list-sessions";
import { isSessionNotFound, isTransient, Problem } from "./problem";
import { RenamedElsewhere, renameSession } from "./rename-session";

const api = createApi(BASE_URL, () => "token");

test("every response other than 2xx throws its problem", async () => {
  service.server.use(http.get(SESSIONS, () => problem(503, "database-unavailable")));
  const error = await listSessions(api, {}).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Problem);
  expect(error).toMatchObject({
    type: "urn:chat-sessions:database-unavailable",
    status: 503,
    message: "Not right now.",
  });
  expect(isTransient(error)).toBe(true);
});

test("only the service's own 404 means that a session does not exist", async () => {
  const notFoundOf = async (respond: () => Response) => {
    service.server.use(http.delete(`${SESSIONS}/:id`, respond));
    return isSessionNotFound(await deleteSession(api, "x").catch((error: unknown) => error));
  };
  expect(await notFoundOf(() => notFound())).toBe(true);
  expect(await notFoundOf(() => HttpResponse.html("<h1>Not Found</h1>", { status: 404 }))).toBe(false);
  expect(await notFoundOf(() => HttpResponse.json({ detail: "Not Found" }, { status: 404 }))).toBe(false);
});

test("a missing response is a transient problem with status 0", async () => {
  service.server.use(http.get(SESSIONS, () => HttpResponse.error()));
  const error = await listSessions(api, {}).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ status: 0 });
  expect(isTransient(error)).toBe(true);
});

test("a rejected token is replaced exactly once", async () => {
  const tokens: (string | null)[] = [];
  service.server.use(
    http.get(SESSIONS, ({ request }) => {
      tokens.push(request.headers.get("Authorization"));
      return problem(401, "unauthorized");
    }),
  );
  const getToken = vi.fn(({ refresh }: { refresh: boolean }) => (refresh ? "new" : "old"));
  await expect(listSessions(createApi(BASE_URL, getToken), {})).rejects.toMatchObject({ status: 401 });
  expect(tokens).toEqual(["Bearer old", "Bearer new"]);
});

test("path and query are escaped, and omitted parameters are not sent", async () => {
  service.sessions = [];
  await getSession(api, "a/b?c").catch(() => undefined);
  await listSessions(api, { cursor: "50 %" });
  expect(service.requests).toEqual([
    "GET /api/chat/sessions/a%2Fb%3Fc?limit=50",
    "GET /api/chat/sessions?limit=100&cursor=50+%25",
  ]);
});

test("an aborted request rejects with an AbortError, not a Problem", async () => {
  const abort = new AbortController();
  const response = listSessions(api, {}, abort.signal);
  abort.abort();
  await expect(response).rejects.toMatchObject({ name: "AbortError" });
});

test("a request times out if the host never returns a token", async () => {
  const abort = new AbortController();
  const response = listSessions(
    createApi(BASE_URL, () => new Promise(() => undefined)),
    {},
    abort.signal,
  );
  abort.abort(new DOMException("too late", "TimeoutError"));
  await expect(response).rejects.toMatchObject({ status: 0 });
  expect(service.requests).toEqual([]);
});

test("a rename fails if another one came first, but not after other changes", async () => {
  const alpha = { ...summary("Alpha"), user_id: "u", messages: [], has_more_messages: false, oldest_sequence: null };
  service.sessions = [alpha];
  const tags = ['W/"1"', '"2"', '"3"'];
  const sent: (string | null)[] = [];
  service.server.use(
    http.get(`${SESSIONS}/:id`, () => HttpResponse.json(alpha, { headers: { ETag: tags.shift() ?? "" } })),
    http.patch(`${SESSIONS}/:id`, ({ request }) => {
      sent.push(request.headers.get("If-Match"));
      return sent.length === 1 ? problem(412, "precondition-failed") : undefined;
    }),
  );
  await expect(renameSession(api, alpha.id, { title: "Beta", from: "Alpha" })).resolves.toMatchObject({
    title: "Beta",
  });
  expect(sent).toEqual(['"1"', '"2"']);
  alpha.title = "Gamma";
  await expect(renameSession(api, alpha.id, { title: "Delta", from: "Beta" })).rejects.toThrow(RenamedElsewhere);
  expect(sent).toHaveLength(2);
});
