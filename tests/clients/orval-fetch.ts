const { API = "", TOKEN = "" } = process.env;

/** Sends the requests of orval's client, which hands it the path. */
export async function authorizedFetch<T>(path: string, options: RequestInit): Promise<T> {
  const headers = { ...options.headers, Authorization: `Bearer ${TOKEN}` };
  const response = await fetch(API + path, { ...options, headers });
  const text = await response.text();
  return { status: response.status, data: text ? JSON.parse(text) : undefined, headers: response.headers } as T;
}
