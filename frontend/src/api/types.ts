import type { components } from "./schema";

export type Summary = components["schemas"]["Summary"];
export type SessionList = components["schemas"]["SessionList"];
export type Session = components["schemas"]["Session"];
export type Message = components["schemas"]["Message"];
export type NewMessage = components["schemas"]["NewMessage"];
export type NewSession = components["schemas"]["NewSession"];
export type SessionChange = components["schemas"]["SessionChange"];
export type FieldProblem = components["schemas"]["FieldProblem"];
