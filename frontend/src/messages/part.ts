/** A piece of a message, whatever format the message was stored in. */
export type Part =
  | { kind: "text"; text: string }
  | { kind: "refusal"; text: string }
  | { kind: "reasoning"; text: string }
  | ImagePart
  | { kind: "link"; url: string; name: string | null }
  | { kind: "file"; name: string | null }
  | CallPart
  | ResultPart
  | { kind: "other"; type: string; value: unknown };

export interface ImagePart {
  kind: "image";
  url: string;
  name: string | null;
}

export interface CallPart {
  kind: "call";
  /** Null in the oldest format, which pairs calls with results by name. */
  id: string | null;
  name: string;
  input: unknown;
  result: ResultPart | null;
}

export interface ResultPart {
  kind: "result";
  callId: string | null;
  name: string | null;
  output: unknown;
  isError: boolean;
}
