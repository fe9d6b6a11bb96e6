/** Passes large parameters of raw SQL around Prisma's engine, which would encode, parse and copy each several times. */
import { randomUUID } from "node:crypto";

const texts = new Map();
// Unguessable, and Postgres stores no NUL: no parameter is mistaken for a key.
const prefix = `\0${randomUUID()}:`;
let count = 0;

function keep(text) {
  const key = prefix + count++;
  texts.set(key, text);
  return key;
}

/** Calls `run` with the parameters as JSON, in which keys stand in for the large texts, which are buffers. */
export async function bypassing(parameters, run) {
  const given = parameters.map((each) => (Buffer.isBuffer(each) ? keep(each) : each));
  try {
    return await run(JSON.stringify(given));
  } finally {
    for (const each of given) texts.delete(each);
  }
}

/** Puts the large texts in place of their keys. pg sends buffers in binary format, which for text and JSON is UTF-8. */
export const restored = (args) => args.map((each) => texts.get(each) ?? each);
