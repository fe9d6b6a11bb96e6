/**
 * Runs Prisma's `deleteMany` by plain values directly on Prisma's adapter. Prisma's engine would interpret its plan and
 * render its SQL for each call, which takes as long as all the rest, although only the fields matter. So the engine does
 * that once, for stand-ins, and the adapter catches the statement instead of running it.
 */
import { randomUUID } from "node:crypto";

/** Promises of statements, by model and fields; null where the engine must run the call itself. */
const statements = new Map();

/** What was caught, by stand-in. */
const caught = new Map();

/** Keeps a statement whose first argument is a stand-in, and returns whether it did. */
export const isCaught = (statement) => caught.get(statement.args[0])?.push(statement) !== undefined;

async function learn(engine, query, fields) {
  const standIns = fields.map(() => randomUUID());
  const found = [];
  for (const each of standIns) caught.set(each, found);
  const where = Object.fromEntries(fields.map((field, index) => [field, standIns[index]]));
  try {
    await engine.request({ ...query, query: { ...query.query, arguments: { where } } }, {});
  } catch {
    // A field of another type, whose values the engine converts.
    return null;
  } finally {
    for (const each of standIns) caught.delete(each);
  }
  const [{ sql, args, argTypes } = { args: [] }, ...others] = found;
  const order = args.map((each) => fields[standIns.indexOf(each)]);
  const isComplete = order.length === fields.length && !order.includes(undefined);
  return isComplete && others.length === 0 ? { sql, argTypes, order } : null;
}

/** Returns the statement of a `deleteMany`, or null if the engine must run it. */
export async function deletion(engine, query) {
  const { where = {}, ...others } = query.query.arguments;
  const fields = Object.keys(where);
  const isPlain = fields.length > 0 && fields.every((field) => typeof where[field] === "string");
  if (!isPlain || Object.keys(others).length > 0) return null;
  const key = [query.modelName, ...fields].join();
  if (!statements.has(key)) statements.set(key, learn(engine, query, fields));
  const known = await statements.get(key);
  return known && { sql: known.sql, argTypes: known.argTypes, args: known.order.map((field) => where[field]) };
}
