/**
 * Prisma's JavaScript engine as a child of one Python process. The first line on stdin configures it; each further
 * line is a call, answered by one line on stdout. It leaves when stdin closes, and lets running calls finish first.
 */
import { JsonKeepingAdapter, rawResult } from "./adapter.mjs";
import { createPool, StatementNames } from "./pool.mjs";
import { ConfigurationError, readLines, stateOf, untag, wireError } from "./protocol.mjs";

// Which signal ends the service is Python's to decide; a Ctrl-C or a stop of the whole group must not cut queries.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
process.stdout.on("error", () => process.exit(1));
console.log = console.error;

const running = new Set();
const send = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/** The URL may name a file that is not there (sslrootcert), or be none. */
function poolOf(config) {
  const onStatement = config.reportStatements ? (sql) => send({ sql }) : undefined;
  try {
    return createPool({ ...config, onStatement });
  } catch (error) {
    throw new ConfigurationError(error.message);
  }
}

async function open(config) {
  const { default: generated } = await import("./generated/client/index.js");
  const { pool, schema, pgbouncer } = poolOf(config);
  const names = new StatementNames();
  const statementNameGenerator = pgbouncer ? undefined : ({ sql }) => names.of(sql);
  const adapter = new JsonKeepingAdapter(pool, { schema, statementNameGenerator, disposeExternalPool: true });
  const transactionOptions = { maxWait: config.poolTimeout, timeout: config.callTimeout };
  const client = new generated.PrismaClient({ adapter, transactionOptions });
  await client._engine.start();
  return { engine: client._engine, pool, names };
}

/** What the connections to Postgres do right now, and how many callers wait for one. */
const usage = ({ totalCount, idleCount, waitingCount }) => ({
  busy: totalCount - idleCount,
  idle: idleCount,
  waiting: waitingCount,
});

const OPERATIONS = {
  ping: () => null,
  usage: ({ pool }) => usage(pool),
  async query({ engine }, { query, tx }) {
    const answer = await engine.request(query, { interactiveTransaction: tx && { id: tx } });
    const data = answer.data[query.action];
    return query.action === "queryRaw" ? rawResult(data) : untag(data);
  },
  start: async ({ engine }, { timeout, max_wait, isolation_level }) =>
    (await engine.transaction("start", {}, { timeout, maxWait: max_wait, isolationLevel: isolation_level })).id,
  commit: ({ engine }, { tx }) => engine.transaction("commit", {}, { id: tx }),
  rollback: ({ engine }, { tx }) => engine.transaction("rollback", {}, { id: tx }),
};

async function answer(opened, [id, { op, ...call }]) {
  try {
    send({ id, data: (await OPERATIONS[op](await opened, call)) ?? null });
  } catch (error) {
    if (op === "ping" && error instanceof ConfigurationError) return send({ id, data: null });
    (await opened.catch(() => null))?.names.learn(stateOf(error));
    send({ id, error: wireError(error) });
  }
}

function serve(opened, line) {
  const task = answer(opened, JSON.parse(line)).finally(() => running.delete(task));
  running.add(task);
}

/** Runs down within the time that a call may take; whoever hangs longer is cut off. */
async function leave(opened, patience) {
  setTimeout(() => process.exit(1), patience).unref();
  await Promise.allSettled(running);
  await (await opened.catch(() => null))?.engine.stop();
  process.exit(0);
}

let opened;
let patience = 0;
readLines(process.stdin, (line) => {
  if (opened) return serve(opened, line);
  const config = JSON.parse(line);
  patience = config.callTimeout;
  opened = open(config);
  // Each call hears of a failure; before the first one nobody would, and Node would end the process.
  opened.catch(() => {});
});
process.stdin.on("end", () => leave(opened, patience));
