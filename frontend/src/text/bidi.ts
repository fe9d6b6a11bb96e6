// Embeddings, overrides and isolates. Left in a title they would reorder the sentence around it.
const CONTROLS = /[\u202a-\u202e\u2066-\u2069]/g;

/** A text of the user's that can stand within a sentence of ours. */
export function withoutBidiControls(text: string): string {
  return text.replace(CONTROLS, "");
}
