import assert from "node:assert/strict";
import { after, test } from "node:test";
import { DriftAdapter } from "../drift/adapter.mjs";

const url = process.env.CHAT_DATABASE_URL;
const adapter = await new DriftAdapter(url).connect();
const query = async (on, sql) => (await on.queryRaw({ sql, args: [], argTypes: [] })).rows;

after(() => adapter.dispose());

test("the shadow database is a separate one, even with a connection string, and is dropped afterwards", async () => {
  const [[home]] = await query(adapter, "SELECT current_database()");
  const shadow = await new DriftAdapter(url).connectToShadowDb();
  const [[name]] = await query(shadow, "SELECT current_database()");
  assert.notEqual(name, home);
  assert.deepEqual(await query(shadow, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"), []);
  await shadow.dispose();
  assert.deepEqual(await query(adapter, `SELECT datname FROM pg_database WHERE datname = '${name}'`), []);
});

test("a script with semicolons anywhere runs in one transaction", async () => {
  await adapter.executeScript("CREATE TEMP TABLE t AS SELECT ';' AS x; -- a;b\nSELECT $$;$$;");
  await assert.rejects(adapter.executeScript("CREATE TABLE leftover (x int); SELECT 1 / 0;"));
  assert.deepEqual(await query(adapter, "SELECT to_regclass('leftover')::text"), [[null]]);
});

test("the catalogue's one-character type is read as text", async () => {
  assert.deepEqual(await query(adapter, "SELECT relkind FROM pg_class WHERE relname = 'pg_class'"), [["r"]]);
});

test("NOT NULL constraints of Postgres 18 are hidden from the schema engine", async () => {
  const sql = `SELECT kind::"char" AS constraint_type FROM unnest(ARRAY['p', 'n', 'f']) AS kind`;
  assert.deepEqual(await query(adapter, sql), [["p"], ["f"]]);
});
