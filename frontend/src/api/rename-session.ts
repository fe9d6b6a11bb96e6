import type { Api } from "./client";
import { isPreconditionFailed } from "./problem";
import type { Summary } from "./types";

/** Another device has renamed the session since the user saw its title. */
export class RenamedElsewhere extends Error {
  readonly title: string | null;

  constructor(title: string | null) {
    super("The session was renamed elsewhere.");
    this.name = "RenamedElsewhere";
    this.title = title;
  }
}

export interface Renaming {
  title: string;
  /** The title that the user saw and wants to replace. */
  from: string | null;
}

// A pin or a new message also changes the ETag, so try again.
const ATTEMPTS = 3;

/** Renames a session unless its title has changed in the meantime. */
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
