import type { components } from "./schema";

/** A chat without its messages. Written out, since hosts read it; a test compares it with openapi.json. */
export interface Summary {
  id: string;
  title: string | null;
  created_at: string;
  /** When the last message was written. */
  updated_at: string;
  is_pinned: boolean;
  metadata: Record<string, unknown>;
}

/** What is wrong with one part of a request. */
export interface FieldProblem {
  loc: (string | number)[];
  msg: string;
  type: string;
}

export type SessionList = components["schemas"]["SessionList"];
export type Session = components["schemas"]["Session"];
export type Message = components["schemas"]["Message"];
export type NewMessage = components["schemas"]["NewMessage"];
export type NewSession = components["schemas"]["NewSession"];
export type SessionChange = components["schemas"]["SessionChange"];
