/** Forwards the user's own token. A backend can instead sign one for the user of its session cookie. */
export function tokenFor(request: Request): string {
  return request.headers.get("Authorization")?.replace("Bearer ", "") ?? "";
}
