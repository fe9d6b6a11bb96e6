import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import pg from "pg";
import { Pool } from "../connections.mjs";

const connectionString = process.env.CHAT_DATABASE_URL;

async function withPool(overrides, use) {
  const pool = new Pool({ connectionString, max: 1, ...overrides });
  pool.on("connect", (client) => client.on("error", () => {}));
  try {
    return await use(pool);
  } finally {
    await pool.end();
  }
}

const named = (name, text, ...values) => ({ name, text, values, rowMode: "array", types: pg.types });
const PAIR = named("pair", "SELECT $1::int AS number, $2::text AS text", 1, null);
const PID = named("pid", "SELECT pg_backend_pid() AS pid");
const pidOf = async (pool) => (await pool.query(PID)).rows[0][0];

test("Postgres describes the columns of a named statement once per connection", () =>
  withPool({}, async (pool) => {
    let described = 0;
    pool.on("connect", ({ connection }) => connection.on("rowDescription", () => described++));
    for (const text of ["a", null, "ü"]) {
      const { fields, rows, rowCount } = await pool.query({ ...PAIR, values: [7, text] });
      assert.deepEqual([fields.map(({ name }) => name), rows, rowCount], [["number", "text"], [[7, text]], 1]);
    }
    assert.equal(described, 1);
  }));

test("a named statement without columns returns the number of changed rows, if any", () =>
  withPool({}, async (pool) => {
    assert.equal((await pool.query(named("create", "CREATE TEMP TABLE numbers (n int)"))).rowCount, null);
    await pool.query("INSERT INTO numbers SELECT generate_series(1, 3)");
    const change = named("change", "UPDATE numbers SET n = n + 1 WHERE n > $1", 1);
    for (const _ of "ab") {
      const { fields, rows, rowCount } = await pool.query(change);
      assert.deepEqual([fields, rows, rowCount], [[], [], 2]);
    }
  }));

test("a statement whose columns have changed fails once, then returns the new ones", () =>
  withPool({}, async (pool) => {
    await pool.query("CREATE TABLE changing AS SELECT 1 AS a");
    try {
      const all = named("all", "SELECT * FROM changing");
      assert.deepEqual((await pool.query(all)).rows, [[1]]);
      await pool.query("ALTER TABLE changing ADD COLUMN b text DEFAULT 'x'");
      await assert.rejects(pool.query(all), { code: "0A000" });
      assert.deepEqual((await pool.query(all)).rows, [[1, "x"]]);
    } finally {
      await pool.query("DROP TABLE changing");
    }
  }));

test("a named statement that fails names its error, and the next query succeeds", () =>
  withPool({}, async (pool) => {
    const division = (by) => named("division", "SELECT 1 / $1::int AS ratio", by);
    await assert.rejects(pool.query(division(0)), { code: "22012" });
    await assert.rejects(pool.query(named("wrong", "SELECT nonsense")), { code: "42703" });
    assert.deepEqual((await pool.query(division(1))).rows, [[1]]);
  }));

test("queries one after another share a connection with transactions", () =>
  withPool({}, async (pool) => {
    const pid = await pidOf(pool);
    assert.deepEqual([pool.totalCount, pool.idleCount], [1, 1]);
    const client = await pool.connect();
    assert.deepEqual([pool.totalCount, pool.idleCount], [1, 0]);
    assert.equal((await client.query(PID)).rows[0][0], pid);
    client.release();
    assert.equal(await pidOf(pool), pid);
  }));

test("callers that wait for a connection get it from the query before", { timeout: 60_000 }, ({ mock }) =>
  withPool({}, async (pool) => {
    // No timer frees it.
    mock.timers.enable({ apis: ["setTimeout"] });
    const first = pool.query(named("sleep", "SELECT pg_sleep(0.1)"));
    const [client] = await Promise.all([pool.connect(), first]);
    const waiting = pidOf(pool);
    client.release();
    assert.equal(await waiting, client.processID);
  }),
);

test("a connection that breaks between two queries is replaced", () =>
  withPool({}, async (pool) => {
    const broken = new Promise((resolve) => pool.on("connect", (client) => client.once("end", resolve)));
    const pid = await pidOf(pool);
    const admin = new pg.Client(connectionString);
    await admin.connect();
    await admin.query("SELECT pg_terminate_backend($1)", [pid]);
    await admin.end();
    await broken;
    assert.deepEqual([pool.totalCount, pool.idleCount], [0, 0]);
    assert.notEqual(await pidOf(pool), pid);
  }));

test("a connection that is no longer used is closed", { timeout: 60_000 }, () =>
  withPool({ idleTimeoutMillis: 1 }, async (pool) => {
    const closed = once(pool, "remove");
    await pidOf(pool);
    await closed;
    assert.equal(pool.totalCount, 0);
  }),
);
