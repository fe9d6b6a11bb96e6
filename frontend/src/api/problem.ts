import type { FieldProblem } from "./types";

interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  errors?: FieldProblem[];
}

/** An error response (RFC 9457). Status 0 means that there was no response. */
export class Problem extends Error {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly errors: readonly FieldProblem[];
  /** Milliseconds to wait before a retry, from `Retry-After`; 0 if it is missing. */
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
    detail: `The service responded with status ${response.status}.`,
  };
  return new Problem(
    { ...fallback, ...(isProblemDocument(document) ? document : {}), status: response.status },
    { retryAfter: Number(response.headers.get("Retry-After")) * 1000 || 0 },
  );
}

/** Whether the service itself reports that the session does not exist. A proxy's 404 proves nothing. */
export function isSessionNotFound(error: unknown): boolean {
  return error instanceof Problem && error.type === "urn:chat-sessions:session-not-found";
}

/** Whether the session no longer matches `If-Match` or `after_sequence`. */
export function isPreconditionFailed(error: unknown): boolean {
  return error instanceof Problem && error.status === 412;
}

/** Whether the same request may succeed a moment later. */
export function isTransient(error: unknown): boolean {
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
