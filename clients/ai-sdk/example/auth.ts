/** Forwards the user's own token; a service may as well sign one for the user whom its cookie names. */
export function tokenFor(request: Request): string {
  return request.headers.get("Authorization")?.replace("Bearer ", "") ?? "";
}
