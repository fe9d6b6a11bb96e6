import { problemOf, unreachable } from "./problem";
import type { paths } from "./schema";

/** `refresh` is true after the service has refused the token before: get a new one. */
export type GetToken = (options: { refresh: boolean }) => string | Promise<string>;

export interface Api {
  /** Any call of openapi.json; returns the body of its 2xx answer, throws a Problem for every other. */
  call<P extends keyof paths, M extends MethodOf<P>>(
    method: M,
    path: P,
    options: CallOptions<Operation<P, M>>,
  ): Promise<Answer<Operation<P, M>>>;
  /** A request with the token and without a time limit, for what is read as it comes. */
  stream(path: keyof paths, init: RequestInit): Promise<Response>;
}

type MethodOf<P extends keyof paths> = {
  [M in "get" | "post" | "patch" | "delete"]: paths[P] extends { [K in M]: object } ? M : never;
}["get" | "post" | "patch" | "delete"];

type Operation<P extends keyof paths, M extends MethodOf<P>> = paths[P][M];

type Answer<O> = O extends { responses: infer R }
  ? { [S in keyof R]: S extends 200 | 201 ? JsonOf<R[S]> : S extends 204 ? undefined : never }[keyof R]
  : never;

type JsonOf<R> = R extends { content: { "application/json": infer Body } } ? Body : never;

type CallOptions<O> = { signal?: AbortSignal | undefined } & (O extends {
  parameters: { path: infer Params extends Record<string, string> };
}
  ? { params: Params }
  : { params?: undefined }) &
  (O extends { parameters: { query?: infer Query } } ? { query?: Query } : { query?: undefined }) &
  (O extends { requestBody: infer Body } ? { body: JsonOf<Body> } : { body?: undefined });

interface UntypedOptions {
  params?: Record<string, string>;
  query?: object;
  body?: unknown;
  signal?: AbortSignal;
}

export const TIMEOUT = 20_000;

export function createApi(baseUrl: string, getToken: GetToken): Api {
  const base = baseUrl.replace(/\/$/, "");

  async function send(url: string, init: RequestInit): Promise<Response> {
    let response = await attempt(url, init, await getToken({ refresh: false }));
    if (response.status === 401) {
      response = await attempt(url, init, await getToken({ refresh: true }));
    }
    if (!response.ok) {
      throw await problemOf(response);
    }
    return response;
  }

  async function call(method: string, path: string, { params, query, body, signal }: UntypedOptions) {
    const inTime = AbortSignal.timeout(TIMEOUT);
    const response = await send(base + filled(path, params) + searchOf(query), {
      method: method.toUpperCase(),
      signal: signal ? AbortSignal.any([signal, inTime]) : inTime,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
    return response.status === 204 ? undefined : response.json();
  }

  return { call: call as Api["call"], stream: (path, init) => send(base + path, init) };
}

function filled(path: string, params: Record<string, string> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
}

function searchOf(query: object = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  return given.length === 0 ? "" : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

async function attempt(url: string, init: RequestInit, token: string): Promise<Response> {
  try {
    return await fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } });
  } catch (error) {
    if ((error as Error).name === "AbortError") {
      throw error;
    }
    throw unreachable(error);
  }
}
