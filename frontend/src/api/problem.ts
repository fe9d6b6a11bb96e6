import type { FieldProblem } from "./types";

interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  errors?: FieldProblem[];
}

/** An answer that is not 2xx, as RFC 9457 shapes it; status 0 is no answer at all. */
export class Problem extends Error {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly errors: readonly FieldProblem[];
  /** Milliseconds in which the same request would fail again, as far as the service has said so. */
  readonly retryAfter: number;

  constructor(
    { type, title, status, detail, errors = [] }: ProblemDocument,
    { retryAfter = 0, ...options }: ErrorOptions & { retryAfter?: number } = {},
  ) {
    super(detail, options);
    this.name = "Problem";
    this.type = type;
    this.title = title;
    this.status = status;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }
}

export function unreachable(cause: unknown): Problem {
  return new Problem(
    { type: "about:blank", title: "Unreachable", status: 0, detail: "The service cannot be reached right now." },
    { cause },
  );
}

export async function problemOf(response: Response): Promise<Problem> {
  const document = await response.json().catch(() => null);
  const fallback = {
    type: "about:blank",
    title: response.statusText || "Error",
    detail: `The service answered with status ${response.status}.`,
  };
  return new Problem(
    { ...fallback, ...(isProblemDocument(document) ? document : {}), status: response.status },
    { retryAfter: Number(response.headers.get("Retry-After")) * 1000 || 0 },
  );
}

/** The service says that the session is gone. A 404 of a proxy or of a wrong address proves nothing. */
export function isSessionNotFound(error: unknown): boolean {
  return error instanceof Problem && error.type === "urn:chat-sessions:session-not-found";
}

/** The session is no longer as If-Match has it. */
export function isPreconditionFailed(error: unknown): boolean {
  return error instanceof Problem && error.status === 412;
}

/** Whether the same request may succeed a moment later. */
export function isPassing(error: unknown): boolean {
  return error instanceof Problem && (error.status === 0 || error.status === 429 || error.status >= 500);
}

export function retryAfter(error: unknown): number {
  return error instanceof Problem ? error.retryAfter : 0;
}

function isProblemDocument(value: unknown): value is ProblemDocument {
  return (
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    typeof value.type === "string" &&
    "detail" in value &&
    typeof value.detail === "string"
  );
}
