/** The text without what the service cannot store: NUL characters and unpaired surrogates. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "");
}

/** The typed text as it is sent. */
export function sendable(text: string): string {
  return storable(text).trim();
}
