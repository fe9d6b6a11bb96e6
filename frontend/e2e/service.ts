import { createHmac, randomUUID } from "node:crypto";
import type { NewMessage, Session, SessionChange, SessionList, Summary } from "../src/api/types";

/** Calls the service directly, like another device of the same user. */
export class Service {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  static async for(url: string, user: string): Promise<Service> {
    return new Service(url, await tokenFor(url, user));
  }

  create(title: string | null, messages: NewMessage[] = []): Promise<Summary> {
    return this.#call("POST", "", { title, messages });
  }

  /** Creates them so that the list has this order: the first one is created last. */
  async createAll(titles: readonly string[]): Promise<Summary[]> {
    const sessions: Summary[] = [];
    for (const title of titles.toReversed()) {
      sessions.unshift(await this.create(title));
    }
    return sessions;
  }

  async createMany(count: number): Promise<void> {
    const left = Array.from({ length: count }, (_, index) => `Chat ${index}`);
    const work = async () => {
      for (let title = left.pop(); title; title = left.pop()) {
        await this.create(title);
      }
    };
    await Promise.all(Array.from({ length: 16 }, work));
  }

  change(id: string, change: SessionChange): Promise<Summary> {
    return this.#call("PATCH", `/${id}`, change);
  }

  append(id: string, messages: NewMessage[]): Promise<unknown> {
    return this.#call("POST", `/${id}/messages`, { messages });
  }

  delete(id: string): Promise<void> {
    return this.#call("DELETE", `/${id}`);
  }

  deleteAll(): Promise<unknown> {
    return this.#call("POST", "/batch-delete", { filter: { all: true } });
  }

  get(id: string): Promise<Session> {
    return this.#call("GET", `/${id}`);
  }

  list(): Promise<SessionList> {
    return this.#call("GET", "?limit=100");
  }

  async titles(): Promise<(string | null)[]> {
    return (await this.list()).sessions.map((session) => session.title);
  }

  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${this.#url}/api/chat/sessions${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.#token}`, "Content-Type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    }
    return (response.status === 204 ? undefined : await response.json()) as T;
  }
}

/** Every test has a new user, so that tests do not affect each other. */
export function newUser(): string {
  return `e2e ${randomUUID().slice(0, 13)}`;
}

export async function tokenFor(url: string, user: string): Promise<string> {
  const secret = process.env.CHAT_JWT_SECRET;
  if (secret) {
    return minted(secret, user);
  }
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`${url}/dev/token`, { method: "POST", headers, body: JSON.stringify({ user }) });
  return ((await response.json()) as { token: string }).token;
}

function minted(secret: string, user: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const content = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: user, exp: Math.floor(Date.now() / 1000) + 3600 })}`;
  return `${content}.${createHmac("sha256", secret).update(content).digest("base64url")}`;
}
