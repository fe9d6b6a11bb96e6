import type { Api } from "./client";
import { isPreconditionFailed } from "./problem";
import type { Summary } from "./types";

/** Somebody else has renamed the session since it was looked at. */
export class RenamedElsewhere extends Error {
  readonly title: string | null;

  constructor(title: string | null) {
    super("The session has been renamed since.");
    this.name = "RenamedElsewhere";
    this.title = title;
  }
}

export interface Renaming {
  title: string;
  /** The title that the user has seen and wants to replace. */
  from: string | null;
}

// Other changes than of the title move the ETag as well: a conversation that goes on is no reason to refuse.
const ATTEMPTS = 3;

/** Renames a session unless its title has changed meanwhile. */
export async function renameSession(api: Api, id: string, { title, from }: Renaming): Promise<Summary> {
  for (let attempt = 1; ; attempt++) {
    const ifMatch = await tagWithTitle(api, id, [from, title]);
    try {
      return await api.call("patch", "/api/chat/sessions/{session_id}", {
        params: { session_id: id },
        body: { title },
        ifMatch,
      });
    } catch (error) {
      if (!isPreconditionFailed(error) || attempt === ATTEMPTS) {
        throw error;
      }
    }
  }
}

async function tagWithTitle(api: Api, id: string, titles: (string | null)[]): Promise<string | undefined> {
  const { body, etag } = await api.callTagged("get", "/api/chat/sessions/{session_id}", {
    params: { session_id: id },
    query: { limit: 1 },
  });
  if (!titles.includes(body.title)) {
    throw new RenamedElsewhere(body.title);
  }
  return etag;
}
