type JsonObject = Record<string, unknown>;

/** The JSON merge patch (RFC 7396) that turns one object into the other. */
export function replacementOf(from: JsonObject, to: JsonObject): JsonObject {
  const removed = Object.keys(from).filter((name) => to[name] === undefined);
  const patch: JsonObject = Object.fromEntries(removed.map((name) => [name, null]));
  for (const [name, value] of Object.entries(to)) {
    const before = from[name];
    patch[name] = isObject(before) && isObject(value) ? replacementOf(before, value) : value;
  }
  return patch;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
