import assert from "node:assert/strict";
import { test } from "node:test";
import { createPool, poolOptions, statementNames } from "../pool.mjs";

const url = process.env.CHAT_DATABASE_URL;
const limits = { url, poolSize: 2, poolTimeout: 1000, connectTimeout: 1000, statementTimeout: 1000 };

async function withPool(overrides, use) {
  const { pool } = createPool({ ...limits, ...overrides });
  try {
    return await use(pool);
  } finally {
    await pool.end();
  }
}

const show = async (pool, setting) => (await pool.query(`SHOW ${setting}`)).rows[0];

test("sessions are in UTC and end long statements", () =>
  withPool({}, async (pool) => {
    assert.deepEqual(await show(pool, "timezone"), { TimeZone: "UTC" });
    assert.deepEqual(await show(pool, "statement_timeout"), { statement_timeout: "1s" });
  }));

test("for PgBouncer there is no start-up parameter that it refuses, but still UTC", () =>
  withPool({ url: `${url}?pgbouncer=true` }, async (pool) => {
    assert.deepEqual(await show(pool, "timezone"), { TimeZone: "UTC" });
    assert.deepEqual(await show(pool, "statement_timeout"), { statement_timeout: "0" });
  }));

test("every statement is reported, those of a client taken from the pool too", async () => {
  const statements = [];
  await withPool({ onStatement: (sql) => statements.push(sql) }, async (pool) => {
    await pool.query("SELECT $1::int", [1]);
    const client = await pool.connect();
    await client.query({ text: "BEGIN" });
    await client.query("ROLLBACK");
    client.release();
  });
  assert.deepEqual(statements, ["SELECT $1::int", "BEGIN", "ROLLBACK"]);
});

test("a full pool refuses in time", () =>
  withPool({ poolSize: 1, poolTimeout: 500 }, async (pool) => {
    const client = await pool.connect();
    await assert.rejects(pool.query("SELECT 1"), /timeout exceeded when trying to connect/);
    client.release();
  }));

test("a cut connection fails its query and nothing else", () =>
  withPool({}, async (pool) => {
    await assert.rejects(pool.query("SELECT pg_terminate_backend(pg_backend_pid())"));
    assert.equal((await pool.query("SELECT 1 AS one")).rows[0].one, 1);
  }));

test("a connection may be cut in the moment between its taking and anybody's listening", () =>
  withPool({}, async (pool) => {
    const taken = new Promise((resolve) => pool.connect((_, ...clientAndRelease) => resolve(clientAndRelease)));
    const [client, release] = await taken;
    client.emit("error", new Error("cut"));
    release(true);
  }));

test("sslmode means what it means everywhere: require does not verify, verify-full does", () => {
  const ssl = (mode) => poolOptions(`postgresql://h/d?sslmode=${mode}`).options.ssl;
  assert.equal(ssl("disable"), false);
  assert.deepEqual(ssl("require"), { rejectUnauthorized: false });
  assert.deepEqual(ssl("verify-full"), {});
});

test("Prisma's own parameters are not pg's", () => {
  const { options, schema, pgbouncer } = poolOptions("postgresql://h/d?schema=chat&pgbouncer=true");
  assert.deepEqual([options.schema, options.pgbouncer, schema, pgbouncer], [undefined, undefined, "chat", true]);
});

test("each statement has a name of its own, up to a limit", () => {
  const name = statementNames(2);
  assert.deepEqual(
    ["a", "b", "a", "c"].map((sql) => name({ sql })),
    ["s0", "s1", "s0", undefined],
  );
});
