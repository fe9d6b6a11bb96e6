import { base } from "./base";

/** Who uses the page, and where the tokens come from. They are kept in memory only. */
export interface Identity {
  user: string;
  getToken: (options: { refresh: boolean }) => Promise<string>;
}

/** `dev`: anybody may sign in under any name, which only `make dev` allows. `host`: the embedding page signs in. */
export type SignInMode = "dev" | "host";

export async function signInMode(): Promise<SignInMode> {
  const response = await fetch(`${base}/config.json`);
  if (!response.ok) {
    throw new Error(`The service answered with status ${response.status}.`);
  }
  return ((await response.json()) as { sign_in: SignInMode }).sign_in;
}

export function devIdentity(user: string): Identity {
  let asked: Promise<string> | null = null;
  let isAsking = false;
  const ask = async () => {
    isAsking = true;
    try {
      return await devToken(user);
    } finally {
      isAsking = false;
    }
  };
  const getToken: Identity["getToken"] = ({ refresh }) => {
    if (asked === null || (refresh && !isAsking)) {
      asked = ask();
      asked.catch(() => {
        asked = null;
      });
    }
    return asked;
  };
  getToken({ refresh: false }); // It comes while the page is drawn.
  return { user, getToken };
}

async function devToken(user: string): Promise<string> {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`${base}/dev/token`, { method: "POST", headers, body: JSON.stringify({ user }) });
  if (!response.ok) {
    throw new Error("Nobody can sign in right now.");
  }
  return ((await response.json()) as { token: string }).token;
}

/**
 * Takes tokens from the page around this one. It hears `chat-sessions:token-needed` on `window` when one is needed, and
 * may say at any time: `dispatchEvent(new CustomEvent("chat-sessions:token", { detail: { token } }))`.
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
