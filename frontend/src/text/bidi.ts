// Embeddings, overrides and isolates, which would reorder the sentence around a title.
const CONTROLS = /[\u202a-\u202e\u2066-\u2069]/g;

/** Makes a user's text safe to put into a sentence. */
export function withoutBidiControls(text: string): string {
  return text.replace(CONTROLS, "");
}
