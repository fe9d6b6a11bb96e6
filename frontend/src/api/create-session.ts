import type { Api } from "./client";
import type { NewSession, Summary } from "./types";

/** The id is the client's, so a repeat makes no second session. */
export function createSession(api: Api, session: NewSession & { id: string }): Promise<Summary> {
  return api.call("post", "/api/chat/sessions", { body: session });
}
