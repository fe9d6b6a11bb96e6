import { problemOf, unreachable } from "./problem";
import type { paths } from "./schema";

/** `refresh` is true if the service has rejected the last token: return a new one. */
export type GetToken = (options: { refresh: boolean }) => string | Promise<string>;

export interface Api {
  /** Calls any operation of openapi.json. Returns the body of a 2xx response, and throws a Problem for any other. */
  call<P extends keyof paths, M extends MethodOf<P>>(
    method: M,
    path: P,
    options: CallOptions<Operation<P, M>>,
  ): Promise<ResponseBody<Operation<P, M>>>;
  /** Also returns the ETag of the response, for `ifMatch`. */
  callTagged<P extends keyof paths, M extends MethodOf<P>>(
    method: M,
    path: P,
    options: CallOptions<Operation<P, M>>,
  ): Promise<{ body: ResponseBody<Operation<P, M>>; etag: string | undefined }>;
  /** Sends a request without a timeout, for streamed responses. */
  stream(path: keyof paths, init: RequestInit): Promise<Response>;
}

type MethodOf<P extends keyof paths> = {
  [M in "get" | "post" | "patch" | "delete"]: paths[P] extends { [K in M]: object } ? M : never;
}["get" | "post" | "patch" | "delete"];

type Operation<P extends keyof paths, M extends MethodOf<P>> = paths[P][M];

type ResponseBody<O> = O extends { responses: infer R }
  ? { [S in keyof R]: S extends 200 | 201 ? JsonOf<R[S]> : S extends 204 ? undefined : never }[keyof R]
  : never;

type JsonOf<R> = R extends { content: { "application/json": infer Body } } ? Body : never;

type CallOptions<O> = { signal?: AbortSignal | undefined; ifMatch?: string | undefined } & (O extends {
  parameters: { path: infer Params extends Record<string, string> };
}
  ? { params: Params }
  : { params?: undefined }) &
  (O extends { parameters: { query?: infer Query } } ? { query?: Query } : { query?: undefined }) &
  (O extends { requestBody: infer Body }
    ? { body: JsonOf<Body> }
    : O extends { requestBody?: infer Body }
      ? { body?: JsonOf<NonNullable<Body>> }
      : unknown);

interface UntypedOptions {
  params?: Record<string, string>;
  query?: object;
  body?: unknown;
  signal?: AbortSignal;
  ifMatch?: string;
}

export const TIMEOUT = 20_000;

export function createApi(baseUrl: string, getToken: GetToken): Api {
  const base = baseUrl.replace(/\/$/, "");

  async function send(url: string, init: RequestInit): Promise<Response> {
    const token = (refresh: boolean) => abortable(init.signal, async () => getToken({ refresh }));
    let response = await attempt(url, init, await token(false));
    if (response.status === 401) {
      response = await attempt(url, init, await token(true));
    }
    if (!response.ok) {
      throw await problemOf(response);
    }
    return response;
  }

  async function callTagged(method: string, path: string, options: UntypedOptions) {
    const { params, query, body, signal, ifMatch } = options;
    const timeout = AbortSignal.timeout(TIMEOUT);
    const response = await send(base + withParams(path, params) + queryString(query), {
      method: method.toUpperCase(),
      headers: {
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...(ifMatch !== undefined && { "If-Match": ifMatch }),
      },
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { body: response.status === 204 ? undefined : await jsonOf(response), etag: strongTagOf(response) };
  }

  const call = async (method: string, path: string, options: UntypedOptions) =>
    (await callTagged(method, path, options)).body;

  return {
    call: call as Api["call"],
    callTagged: callTagged as Api["callTagged"],
    stream: (path, init) => send(base + path, init),
  };
}

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (error) {
    throw failureOf(error);
  }
}

/** A proxy that compresses responses weakens their tags, which If-Match would not accept. */
function strongTagOf(response: Response): string | undefined {
  return response.headers.get("ETag")?.replace(/^W\//, "");
}

/** Stops waiting when the signal aborts: a host's `getToken` may never return. */
async function abortable<T>(signal: AbortSignal | null | undefined, work: () => Promise<T>): Promise<T> {
  const result = work();
  if (!signal) {
    return result;
  }
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort);
  });
  try {
    signal.throwIfAborted();
    return await Promise.race([result, aborted]);
  } catch (error) {
    throw signal.aborted ? failureOf(error) : error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function withParams(path: string, params: Record<string, string> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
}

function queryString(query: object = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  return given.length === 0 ? "" : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

async function attempt(url: string, init: RequestInit, token: string): Promise<Response> {
  try {
    return await fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } });
  } catch (error) {
    throw failureOf(error);
  }
}

function failureOf(error: unknown): unknown {
  return (error as Error).name === "AbortError" ? error : unreachable(error);
}
