import type { Api } from "./client";
import type { NewSession, Summary } from "./types";

/** Safe to repeat: the client mints the id. */
export function createSession(api: Api, session: NewSession & { id: string }): Promise<Summary> {
  return api.call("post", "/api/chat/sessions", { body: session });
}
