import { createHmac, randomUUID } from "node:crypto";
import { type Client, connect, type NewMessage } from "../shared/client.js";

/** tests/test_adapters.py starts the service. */
export const API = process.env.API ?? "";
const SECRET = process.env.SECRET ?? "";

/** Every test has its own user. */
export function newUser(): string {
  return `user ${randomUUID()}`;
}

export function tokenFor(user: string, { expiresIn = 3600 } = {}): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: user, exp: Math.floor(Date.now() / 1000) + expiresIn };
  const content = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${content}.${createHmac("sha256", SECRET).update(content).digest("base64url")}`;
}

export function connectionOf(user: string) {
  return { baseUrl: API, getToken: () => tokenFor(user) };
}

/** The same user on another device. */
export class Elsewhere {
  readonly client: Client;

  constructor(user: string) {
    this.client = connect(connectionOf(user));
  }

  async create(body: { id?: string; title?: string; metadata?: Record<string, unknown> } = {}): Promise<string> {
    return (await this.client.POST("/api/chat/sessions", { body })).data?.id ?? "";
  }

  async delete(id: string): Promise<void> {
    await this.client.DELETE("/api/chat/sessions/{session_id}", { params: { path: { session_id: id } } });
  }

  async change(id: string, body: { title?: string; is_archived?: boolean }): Promise<void> {
    await this.client.PATCH("/api/chat/sessions/{session_id}", { params: { path: { session_id: id } }, body });
  }

  async append(id: string, ...messages: NewMessage[]): Promise<void> {
    const params = { path: { session_id: id } };
    await this.client.POST("/api/chat/sessions/{session_id}/messages", { params, body: { messages } });
  }

  async cut(id: string, from: number): Promise<void> {
    const params = { path: { session_id: id }, query: { from_sequence: from } };
    await this.client.DELETE("/api/chat/sessions/{session_id}/messages", { params });
  }

  async session(id: string) {
    const params = { path: { session_id: id }, query: { limit: 200 } };
    const { data, response } = await this.client.GET("/api/chat/sessions/{session_id}", { params });
    if (!data) {
      throw new Error("No session.");
    }
    return { ...data, etag: response.headers.get("ETag") };
  }

  async list() {
    const { data } = await this.client.GET("/api/chat/sessions", { params: { query: { archived: "any" } } });
    return data?.sessions ?? [];
  }

  /** The ids of the messages, in order. */
  async ids(id: string): Promise<string[]> {
    return (await this.session(id)).messages.map((message) => message.id);
  }
}
