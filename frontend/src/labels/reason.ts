import { Problem } from "../api/problem";
import type { Language } from "./context";

/** Why something failed, in the user's language. An error other than a Problem is the host's, and keeps its own message. */
export function reasonOf(error: unknown, { labels, format }: Language): string {
  if (!(error instanceof Problem)) {
    return (error instanceof Error && error.message) || labels.unexpected;
  }
  switch (error.status) {
    case 0:
      return navigator.onLine ? labels.unreachable : labels.youAreOffline;
    case 401:
    case 403:
      return labels.signedOut;
    case 404:
    case 410:
      return labels.gone;
    case 409:
    case 412:
      return labels.conflict;
    case 413:
      return labels.tooLarge;
    case 422:
      return labels.rejected;
    case 429: {
      const seconds = Math.max(1, Math.ceil(error.retryAfter / 1000));
      return labels.tooManyRequests(seconds, format.number(seconds));
    }
    case 502:
    case 503:
    case 504:
      return labels.unavailable;
    default:
      return labels.unexpected;
  }
}
