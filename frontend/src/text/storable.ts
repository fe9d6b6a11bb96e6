/** The text without what the service cannot store: NUL characters, and halves of characters. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "");
}

/** What is sent of what was typed. */
export function sendable(text: string): string {
  return storable(text).trim();
}
