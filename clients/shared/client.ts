import createClient, { type Client as OpenApiClient } from "openapi-fetch";
import { type Connection, send } from "./connection.js";
import type { components, paths } from "./schema.js";

export type Client = OpenApiClient<paths>;
export type Message = components["schemas"]["Message"];
export type NewMessage = components["schemas"]["NewMessage"] & { id: string };
export type Summary = components["schemas"]["SessionSummary"];

/** A client for the operations of openapi.json. Failed calls reject with a ChatSessionsError. */
export function connect(connection: Connection): Client {
  const baseUrl = connection.baseUrl.replace(/\/+$/, "");
  return createClient<paths>({ baseUrl, fetch: (request) => send(connection, request) });
}

/** The body of a successful response; errors have been rejected before. */
export function bodyOf<T>({ data }: { data?: T }): T {
  return data as T;
}
