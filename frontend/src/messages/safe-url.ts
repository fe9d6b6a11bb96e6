const SAFE = new Set(["http:", "https:", "mailto:"]);

/** The URL if a link may point to it. A relative one would point into the host's own pages. */
export function safeUrl(url: string): string | null {
  try {
    return SAFE.has(new URL(url).protocol) ? url : null;
  } catch {
    return null;
  }
}

/** Whether the image is part of the message. Loading a remote one would reveal the reader to its server. */
export function isInlineImage(url: string): boolean {
  return /^data:image\/[a-z0-9.+-]+[;,]/i.test(url);
}
