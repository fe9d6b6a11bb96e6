import type { components } from "./schema";

/** A chat without its messages. Written out for hosts to read; a test compares it with openapi.json. */
export interface Summary {
  id: string;
  user_id: string;
  title: string | null;
  created_at: string;
  /** When the last message was written. */
  updated_at: string;
  is_pinned: boolean;
  is_archived: boolean;
  metadata: Record<string, unknown>;
}

/** A stored message, with every field it was sent with. */
export interface Message {
  id: string;
  /** The position in the chat: 0, 1, 2 and so on. */
  sequence: number;
  created_at: string;
  role: string;
  content: string | Record<string, unknown>[] | null;
  name: string | null;
  tool_call_id: string | null;
  refusal: string | null;
  tool_calls: Record<string, unknown>[] | null;
  function_call: Record<string, unknown> | null;
  metadata: Record<string, unknown>;
  [field: string]: unknown;
}

/** What is wrong with one part of a request. */
export interface FieldProblem {
  loc: (string | number)[];
  msg: string;
  type: string;
}

export type SearchResults = components["schemas"]["SearchResults"];
export type SessionList = components["schemas"]["SessionList"];
export type Session = components["schemas"]["Session"];
export type NewMessage = components["schemas"]["NewMessage"];
export type NewSession = components["schemas"]["NewSession"];
export type SessionChange = components["schemas"]["SessionChange"];
