import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, test } from "node:test";

// Timeouts that a busy machine does not exceed.
const config = {
  url: process.env.CHAT_DATABASE_URL,
  poolSize: 2,
  poolTimeout: 10_000,
  connectTimeout: 10_000,
  statementTimeout: 20_000,
  idleTimeout: 20_000,
  callTimeout: 30_000,
};

// A test that fails leaves its child behind, which would keep this process alive.
const children = new Set();
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
});

function start(overrides = {}) {
  const child = spawn(process.execPath, [join(import.meta.dirname, "..", "host.mjs")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.add(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value);
  const send = (value, ...texts) => {
    child.stdin.write(`${JSON.stringify(value)}\n`);
    for (const text of texts) child.stdin.write(text);
  };
  send({ ...config, ...overrides });
  return { child, next, send };
}

const raw = (sql, parameters = []) => ({
  action: "queryRaw",
  query: { arguments: { query: sql, parameters }, selection: {} },
});

async function stop({ child }) {
  const exit = once(child, "exit");
  child.stdin.end();
  return (await exit)[0];
}

test("responses carry the call's id, and the process exits when stdin closes", async () => {
  const host = start();
  host.send([7, { op: "ping" }]);
  assert.deepEqual(await host.next(), { id: 7, data: null });
  assert.equal(await stop(host), 0);
});

test("calls sent before stdin closes get their response", async () => {
  const host = start();
  host.send([1, { op: "query", query: raw("SELECT 1 AS one FROM pg_sleep(0.2)") }]);
  const exit = stop(host);
  assert.deepEqual((await host.next()).data.rows, [[1]]);
  assert.equal(await exit, 0);
});

test("calls that fail before stdin closes get their response as well", async () => {
  const host = start({ url: `${process.env.CHAT_DATABASE_URL}?sslmode=verify-ca&sslrootcert=/no/such/ca.pem` });
  host.send([1, { op: "query", query: raw("SELECT 1") }]);
  const exit = stop(host);
  assert.equal((await host.next()).error.user_facing_error.error_code, "P1013");
  assert.equal(await exit, 0);
});

test("an open transaction is rolled back when stdin closes", async () => {
  const host = start();
  host.send([1, { op: "start", timeout: 5000, max_wait: 1000, isolation_level: "Serializable" }]);
  const { data: tx } = await host.next();
  host.send([2, { op: "query", tx, query: raw("SHOW transaction_isolation") }]);
  assert.deepEqual((await host.next()).data.rows, [["serializable"]]);
  assert.equal(await stop(host), 0);
});

test("a large parameter reaches Postgres unchanged, in a transaction as well", async () => {
  const host = start();
  const text = '{"😀": "\\",\\u0000"}'.repeat(20_000);
  const json = '["é", 1.0]';
  host.send([1, { op: "start", timeout: 5000, max_wait: 1000 }]);
  const { data: tx } = await host.next();
  for (const [id, open] of [
    [2, undefined],
    [3, tx],
  ]) {
    const size = { $size: Buffer.byteLength(text) };
    const query = raw("SELECT md5($1::text) AS text, $2::int AS n, $3::json::text AS json", [
      size,
      1,
      { $size: Buffer.byteLength(json) },
    ]);
    host.send([id, { op: "query", tx: open, query }], text, json);
    assert.deepEqual((await host.next()).data.rows, [[createHash("md5").update(text).digest("hex"), 1, json]]);
  }
  assert.equal(await stop(host), 0);
});

test("an unknown operation is an error, and the process continues", async () => {
  const host = start();
  host.send([1, { op: "nonsense" }]);
  assert.equal((await host.next()).error.user_facing_error.error_code, null);
  host.send([2, { op: "ping" }]);
  assert.deepEqual(await host.next(), { id: 2, data: null });
  await stop(host);
});

test("without a database it starts, and calls fail as unreachable", async () => {
  const host = start({ url: "postgresql://127.0.0.1:1/x" });
  host.send([1, { op: "query", query: raw("SELECT 1") }]);
  assert.equal((await host.next()).error.user_facing_error.error_code, "P1001");
  assert.equal(await stop(host), 0);
});

test("it reports statements if configured to", async () => {
  const host = start({ reportStatements: true });
  host.send([1, { op: "query", query: raw("SELECT 1 AS one") }]);
  assert.deepEqual(await host.next(), { sql: "SELECT 1 AS one" });
  assert.deepEqual((await host.next()).id, 1);
  await stop(host);
});

test("it counts busy and idle connections, and waiting callers", { timeout: 60_000 }, async () => {
  const host = start({ poolSize: 1 });
  const responses = new Map();
  const usage = async (id) => {
    host.send([id, { op: "usage" }]);
    while (!responses.has(id)) {
      const response = await host.next();
      responses.set(response.id, response.data);
    }
    return responses.get(id);
  };
  const seen = [await usage(1)];
  for (const id of [2, 3]) host.send([id, { op: "query", query: raw("SELECT 1 AS one FROM pg_sleep(0.3)") }]);
  for (let id = 4; !responses.has(2) || !responses.has(3); id++) seen.push(await usage(id));
  assert.equal(await stop(host), 0);
  assert.deepEqual(seen[0], { busy: 0, idle: 0, waiting: 0 });
  assert.deepEqual(seen.at(-1), { busy: 0, idle: 1, waiting: 0 });
  assert.ok(seen.some(({ busy, waiting }) => busy === 1 && waiting === 1));
});

test("a URL that names a missing file fails each call with the reason, and the engine continues", async () => {
  const host = start({ url: `${process.env.CHAT_DATABASE_URL}?sslmode=verify-ca&sslrootcert=/no/such/ca.pem` });
  host.send([1, { op: "ping" }]);
  host.send([2, { op: "query", query: raw("SELECT 1") }]);
  const [ping, query] = [await host.next(), await host.next()];
  assert.deepEqual(ping, { id: 1, data: null });
  assert.match(query.error.error, /no such file or directory.*ca.pem/);
  assert.equal(query.error.user_facing_error.error_code, "P1013");
  assert.equal(await stop(host), 0);
});
