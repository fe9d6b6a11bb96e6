/** Takes large parameters of raw SQL past Prisma's engine, which would encode, parse and copy each several times. */
import { randomUUID } from "node:crypto";

/** Below this, the engine's work costs less than a look-up is worth. */
const LARGE = 64 * 1024;

const texts = new Map();
// Unguessable, and Postgres stores no NUL: no parameter is mistaken for a key.
const prefix = `\0${randomUUID()}:`;
let count = 0;

function hold(text) {
  const key = prefix + count++;
  texts.set(key, text);
  return key;
}

/** Calls `run` with the parameters as JSON, in which keys stand for large texts. */
export async function bypassing(parameters, run) {
  const given = parameters.map((each) => (typeof each === "string" && each.length > LARGE ? hold(each) : each));
  try {
    return await run(JSON.stringify(given));
  } finally {
    for (const each of given) texts.delete(each);
  }
}

/** Puts the large texts back in place of their keys. */
export const restored = (args) => args.map((each) => texts.get(each) ?? each);
