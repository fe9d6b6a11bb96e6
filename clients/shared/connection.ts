export interface Connection {
  /** The URL of the service, without `/api/chat`. In a browser, `""` is the origin of the page. */
  baseUrl: string;
  /** Returns a bearer token for each request. `refresh` is true if the service has rejected the last one. */
  getToken(options: { refresh: boolean }): string | Promise<string>;
  /** Replaces the global `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
}

/** An error response. Its message can be shown to users. */
export class ChatSessionsError extends Error {
  override readonly name = "ChatSessionsError";
  readonly status: number;
  /** Identifies the kind of problem, such as `urn:chat-sessions:session-not-found` (RFC 9457). */
  readonly type: string;

  constructor(message: string, { status, type = "about:blank" }: { status: number; type?: string }) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

const TIMEOUT = 20_000;
const PAUSES = [250, 1_000];
const MAX_PAUSE = 5_000;

/**
 * Sends a request with a token, and retries transient errors. That is safe because every request of these packages is
 * idempotent.
 */
export async function send(connection: Connection, request: Request): Promise<Response> {
  for (const pause of PAUSES) {
    const response = await respond(connection, request).catch(() => undefined);
    if (response && !isTransient(response)) {
      return okOrThrow(response);
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(pause, retryAfter(response))));
  }
  return okOrThrow(await respond(connection, request));
}

async function respond(connection: Connection, request: Request): Promise<Response> {
  const response = await attempt(connection, request, false);
  return response.status === 401 ? attempt(connection, request, true) : response;
}

async function attempt(connection: Connection, request: Request, refresh: boolean): Promise<Response> {
  // Next.js 14 caches requests by default.
  const options = { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT) } as const;
  const authorized = new Request(request.clone(), options);
  authorized.headers.set("Authorization", `Bearer ${await connection.getToken({ refresh })}`);
  return (connection.fetch ?? globalThis.fetch)(authorized);
}

/** Whether the session is busy, there were too many requests, or the database is unavailable. */
function isTransient(response: Response): boolean {
  return [409, 429, 503].includes(response.status) && retryAfter(response) > 0;
}

function retryAfter(response: Response | undefined): number {
  return Math.min(Number(response?.headers.get("Retry-After")) * 1_000 || 0, MAX_PAUSE);
}

async function okOrThrow(response: Response): Promise<Response> {
  if (response.ok) {
    return response;
  }
  const problem = (await response.json().catch(() => ({}))) as { detail?: string; type?: string };
  const message = problem.detail ?? `The service responded with status ${response.status}.`;
  throw new ChatSessionsError(message, { status: response.status, ...(problem.type && { type: problem.type }) });
}
