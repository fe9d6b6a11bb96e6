import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import pg from "pg";
import { createPool, poolOptions, StatementNames } from "../pool.mjs";

const url = process.env.CHAT_DATABASE_URL;
const limits = { url, poolSize: 2, poolTimeout: 1000, connectTimeout: 1000, statementTimeout: 1000, idleTimeout: 500 };

async function withPool(overrides, use) {
  const { pool } = createPool({ ...limits, ...overrides });
  // In production the adapter listens: an idle connection may break.
  pool.on("error", () => {});
  try {
    return await use(pool);
  } finally {
    await pool.end();
  }
}

const show = async (pool, setting) => (await pool.query(`SHOW ${setting}`)).rows[0];

/** Settings of a role or database that contradict everything the service relies on. */
const HOSTILE = {
  default_transaction_isolation: "repeatable read",
  TimeZone: "Asia/Tokyo",
  DateStyle: "SQL, DMY",
  search_path: "pg_catalog",
  lock_timeout: "1ms",
  standard_conforming_strings: "off",
  statement_timeout: "0",
  idle_in_transaction_session_timeout: "0",
};

async function withHostileDatabase(use) {
  const name = `hostile_${process.pid}`;
  const admin = new pg.Client(url);
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  try {
    for (const [setting, value] of Object.entries(HOSTILE))
      await admin.query(`ALTER DATABASE ${name} SET ${setting} = ${pg.escapeLiteral(value)}`);
    const own = new URL(url);
    own.pathname = `/${name}`;
    await use(own.href);
  } finally {
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
  }
}

const shown = async (pool, names) =>
  Object.fromEntries(await Promise.all(names.map(async (name) => [name, Object.values(await show(pool, name))[0]])));

test("each connection sets what the service relies on", () =>
  withHostileDatabase((hostile) =>
    withPool({ url: hostile }, async (pool) => {
      assert.deepEqual(await shown(pool, Object.keys(HOSTILE)), {
        default_transaction_isolation: "read committed",
        TimeZone: "UTC",
        DateStyle: "ISO, MDY",
        search_path: '"public"',
        lock_timeout: "0",
        standard_conforming_strings: "on",
        statement_timeout: "1s",
        idle_in_transaction_session_timeout: "500ms",
      });
    }),
  ));

test("behind PgBouncer, only parameters that it accepts are sent", () =>
  withHostileDatabase((hostile) =>
    withPool({ url: `${hostile}?pgbouncer=true` }, async (pool) => {
      assert.deepEqual(await shown(pool, Object.keys(HOSTILE)), {
        ...HOSTILE,
        TimeZone: "UTC",
        DateStyle: "ISO, MDY",
        standard_conforming_strings: "on",
      });
    }),
  ));

test("a dead host is detected within a minute", () =>
  withPool({}, async (pool) => {
    assert.deepEqual(
      await shown(pool, ["tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout"]),
      {
        tcp_keepalives_idle: "30",
        tcp_keepalives_interval: "10",
        tcp_keepalives_count: "3",
        tcp_user_timeout: "60000",
      },
    );
  }));

test("our own statements find their tables in Prisma's schema", () =>
  withPool({ url: `${url}?schema=of"us` }, async (pool) => {
    assert.deepEqual(await show(pool, "search_path"), { search_path: '"of""us"' });
  }));

test("a transaction that idles for too long is rolled back", () =>
  withPool({ idleTimeout: 50 }, async (pool) => {
    const client = await pool.connect();
    await client.query("BEGIN");
    const [error] = await once(client, "error");
    assert.equal(error.code, "25P03");
    client.release(error);
  }));

test("every statement is reported, including those of a client checked out from the pool", async () => {
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

test("a full pool times out", () =>
  withPool({ poolSize: 1, poolTimeout: 500 }, async (pool) => {
    const client = await pool.connect();
    await assert.rejects(pool.query("SELECT 1"), /timeout exceeded when trying to connect/);
    client.release();
  }));

test("a broken connection fails its query and nothing else", () =>
  withPool({}, async (pool) => {
    await assert.rejects(pool.query("SELECT pg_terminate_backend(pg_backend_pid())"));
    assert.equal((await pool.query("SELECT 1 AS one")).rows[0].one, 1);
  }));

test("a connection may break between its checkout and the first listener", () =>
  withPool({}, async (pool) => {
    const client = await pool.connect();
    client.emit("error", new Error("cut"));
    client.release(true);
  }));

test("sslmode has its libpq meaning: require does not verify, verify-full does", () => {
  const ssl = (mode) => poolOptions(`postgresql://h/d?sslmode=${mode}`).options.ssl;
  assert.equal(ssl("disable"), false);
  assert.deepEqual(ssl("require"), { rejectUnauthorized: false });
  assert.deepEqual(ssl("verify-full"), {});
});

test("Prisma's parameters are not passed to pg", () => {
  const { options, schema, pgbouncer } = poolOptions("postgresql://h/d?schema=chat&pgbouncer=true");
  assert.deepEqual([options.schema, options.pgbouncer, schema, pgbouncer], [undefined, undefined, "chat", true]);
});

const named = (names, ...statements) => statements.map((sql) => names.of(sql));

test("each statement has its own name, the same in every process, up to a limit", () => {
  const [a, b, again, beyond] = named(new StatementNames(2), "a", "b", "a", "c");
  assert.notEqual(a, b);
  assert.equal(again, a);
  assert.equal(beyond, undefined);
  assert.deepEqual(named(new StatementNames(2), "b", "a"), [b, a]);
});

test("a statement that is planned for its values has no name and leaves names to others", () => {
  const names = new StatementNames(2);
  const lists = [
    "SELECT 1 WHERE id IN ($1,$2)",
    "SELECT 1 WHERE id IN ($1,$2,$3)",
    "\n/* planned for its values */\nSELECT",
  ];
  assert.deepEqual(named(names, ...lists), [undefined, undefined, undefined]);
  assert.ok(named(names, "SELECT 1 WHERE id IN ($1)", "SELECT 1 WHERE id IN (SELECT $1)").every(Boolean));
});

test("an outdated plan renames all statements", () => {
  const names = new StatementNames();
  const [before] = named(names, "a");
  names.learn("0A000");
  const [after] = named(names, "a");
  assert.notEqual(after, before);
  assert.ok(after);
});

for (const state of ["26000", "42P05"])
  test(`an undeclared pooler (${state}) disables statement names`, () => {
    const names = new StatementNames();
    named(names, "a");
    names.learn(state);
    assert.deepEqual(named(names, "a", "b"), [undefined, undefined]);
  });
