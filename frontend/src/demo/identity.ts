import { base } from "./base";

/** The user of the page, and the source of that user's tokens. Tokens are kept in memory only. */
export interface Identity {
  user: string;
  getToken: (options: { refresh: boolean }) => Promise<string>;
}

/** `dev`: any name signs in, which only `make dev` allows. `host`: the embedding page supplies tokens. */
export type SignInMode = "dev" | "host";

export async function signInMode(): Promise<SignInMode> {
  const response = await fetch(`${base}/config.json`);
  if (!response.ok) {
    throw new Error(`The service responded with status ${response.status}.`);
  }
  return ((await response.json()) as { sign_in: SignInMode }).sign_in;
}

export function devIdentity(user: string): Identity {
  let token: Promise<string> | null = null;
  let isFetching = false;
  const fetchToken = async () => {
    isFetching = true;
    try {
      return await devToken(user);
    } finally {
      isFetching = false;
    }
  };
  const getToken: Identity["getToken"] = ({ refresh }) => {
    if (token === null || (refresh && !isFetching)) {
      token = fetchToken();
      token.catch(() => {
        token = null;
      });
    }
    return token;
  };
  getToken({ refresh: false }); // Fetches it while the page renders.
  return { user, getToken };
}

async function devToken(user: string): Promise<string> {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`${base}/dev/token`, { method: "POST", headers, body: JSON.stringify({ user }) });
  if (!response.ok) {
    throw new Error("Couldn’t sign in. Try again in a moment.");
  }
  return ((await response.json()) as { token: string }).token;
}

/**
 * Takes tokens from the embedding page. `chat-sessions:token-needed` on `window` requests one; the embedding page supplies
 * one at any time with `dispatchEvent(new CustomEvent("chat-sessions:token", { detail: { token } }))`.
 */
export function followHost(onIdentity: (identity: Identity) => void): () => void {
  let current: ReturnType<typeof hostIdentity> | null = null;
  const onToken = (event: Event) => {
    const token: unknown = (event as CustomEvent<{ token?: unknown } | null>).detail?.token;
    if (typeof token !== "string") {
      return;
    }
    const user = userOf(token);
    if (current?.user === user) {
      current.accept(token);
    } else {
      current = hostIdentity(user);
      current.accept(token);
      onIdentity(current);
    }
  };
  addEventListener("chat-sessions:token", onToken);
  askHost();
  return () => removeEventListener("chat-sessions:token", onToken);
}

function hostIdentity(user: string) {
  let token: string | null = null;
  let waiting: ((token: string) => void)[] = [];
  return {
    user,
    accept: (next: string) => {
      token = next;
      for (const resolve of waiting) {
        resolve(next);
      }
      waiting = [];
    },
    getToken: ({ refresh }: { refresh: boolean }) =>
      new Promise<string>((resolve) => {
        if (token !== null && !refresh) {
          resolve(token);
          return;
        }
        waiting.push(resolve);
        if (waiting.length === 1) {
          askHost();
        }
      }),
  };
}

function askHost(): void {
  dispatchEvent(new CustomEvent("chat-sessions:token-needed"));
}

function userOf(token: string): string {
  try {
    const bytes = atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/"));
    const claims = new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
    return String((JSON.parse(claims) as { sub?: unknown }).sub ?? "");
  } catch {
    return "";
  }
}
