/**
 * Prisma's JavaScript engine as a child of one Python process. The first line on stdin is the configuration, each later
 * line a call, followed by its large parameters; each line on stdout is a response, followed by its large texts. When
 * stdin closes, running calls finish and the process exits.
 */
import { Adapter, rawResult } from "./adapter.mjs";
import { bypassing } from "./bypass.mjs";
import { deletion } from "./deletions.mjs";
import { createPool, StatementNames } from "./pool.mjs";
import { ConfigurationError, Input, packed, sqlStateOf, untag, wireError } from "./protocol.mjs";
import { rawAdapter, runRaw } from "./raw.mjs";

// Python decides when to stop: a Ctrl-C or a signal to the process group must not abort queries.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
process.stdout.on("error", () => process.exit(1));
console.log = console.error;

const RAW = new Set(["queryRaw", "executeRaw"]);
const running = new Set();

/** Writes a line, and the large texts after it. Responses that are ready at the same time share a system call. */
function send(message) {
  if (process.stdout.writableCorked === 0) {
    process.stdout.cork();
    setImmediate(() => process.stdout.uncork());
  }
  for (const text of packed(message)) process.stdout.write(text);
}

/** Fails if the URL is invalid or names a missing file (sslrootcert). */
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
  const options = { schema, statementNameGenerator, disposeExternalPool: true };
  const adapter = new Adapter(pool, options);
  const transactionOptions = { maxWait: config.poolTimeout, timeout: config.callTimeout };
  const client = new generated.PrismaClient({ adapter, transactionOptions });
  await client._engine.start();
  return { engine: client._engine, raw: await rawAdapter(pool, options), pool, names };
}

/** Counts busy and idle Postgres connections, and callers waiting for one. */
const usage = ({ totalCount, idleCount, waitingCount }) => ({
  busy: totalCount - idleCount,
  idle: idleCount,
  waiting: waitingCount,
});

/** Runs a query. The engine expects the parameters of raw SQL as JSON text. */
async function request(engine, query, options) {
  const given = query.query.arguments;
  if (!RAW.has(query.action)) return engine.request(query, options);
  return bypassing(given.parameters, (parameters) => {
    given.parameters = parameters;
    return engine.request(query, options);
  });
}

const OPERATIONS = {
  ping: () => null,
  usage: ({ pool }) => usage(pool),
  async query({ engine, raw }, { query, tx }) {
    if (RAW.has(query.action) && !tx) return runRaw(raw, query);
    const statement = query.action === "deleteMany" && !tx && (await deletion(engine, query));
    if (statement) return { count: await raw.executeRaw(statement) };
    const response = await request(engine, query, { interactiveTransaction: tx && { id: tx } });
    const data = response.data[query.action];
    return query.action === "queryRaw" ? rawResult(data) : untag(data);
  },
  start: async ({ engine }, { timeout, max_wait, isolation_level }) =>
    (await engine.transaction("start", {}, { timeout, maxWait: max_wait, isolationLevel: isolation_level })).id,
  commit: ({ engine }, { tx }) => engine.transaction("commit", {}, { id: tx }),
  rollback: ({ engine }, { tx }) => engine.transaction("rollback", {}, { id: tx }),
};

async function respond(opened, [id, { op, ...call }]) {
  try {
    send({ id, data: (await OPERATIONS[op](await opened, call)) ?? null });
  } catch (error) {
    if (op === "ping" && error instanceof ConfigurationError) return send({ id, data: null });
    (await opened.catch(() => null))?.names.learn(sqlStateOf(error));
    send({ id, error: wireError(error) });
  }
}

function serve(opened, call) {
  const task = respond(opened, call).finally(() => running.delete(task));
  running.add(task);
}

/** Exits once running calls are done, or after the timeout of a call. */
async function shutDown(opened, timeout) {
  setTimeout(() => process.exit(1), timeout).unref();
  await Promise.allSettled(running);
  process.stdout.uncork();
  await (await opened.catch(() => null))?.engine.stop();
  process.exit(0);
}

async function main() {
  const input = new Input(process.stdin);
  const config = (await input.message()) ?? process.exit(0);
  const opened = open(config);
  // Calls report a failure; without this handler, one before the first call would end the process.
  opened.catch(() => {});
  for (let call = await input.message(); call; call = await input.message()) serve(opened, call);
  await shutDown(opened, config.callTimeout);
}

await main();
