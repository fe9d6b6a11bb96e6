/** Applies migrations and keeps the same records as Prisma's CLI, so that either can continue after the other. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { connectTo } from "./migration-connection.mjs";
import { explain, MigrationError } from "./migration-errors.mjs";
import { Input } from "./protocol.mjs";

/** The same lock as Prisma's CLI takes. */
const LOCK = 72707369;
const LOCK_POLL_MS = 250;

/** Exit codes for migrations.py; the second is EX_UNAVAILABLE of sysexits.h. */
const FAILED = 1;
const UNAVAILABLE = 69;

/** Postgres' code for CREATE INDEX CONCURRENTLY and the like in a transaction. */
const NOT_IN_A_TRANSACTION = "25001";

const RECORD = `(
    id VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum VARCHAR(64) NOT NULL,
    finished_at TIMESTAMPTZ,
    migration_name VARCHAR(255) NOT NULL,
    logs TEXT,
    rolled_back_at TIMESTAMPTZ,
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count INTEGER NOT NULL DEFAULT 0
)`;

/** Tables and views that do not belong to an extension. */
const OTHER_TABLES = `
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
ORDER BY relname LIMIT 3`;

/** Polls: a session waiting inside pg_advisory_lock would block CREATE INDEX CONCURRENTLY in the lock's holder. */
async function lock(client) {
  for (let isFirst = true; ; isFirst = false) {
    const { rows } = await client.query("SELECT pg_try_advisory_lock($1) AS ours", [LOCK]);
    if (rows[0].ours) return;
    if (isFirst) console.log("Waiting for another migration to finish.");
    await sleep(LOCK_POLL_MS);
  }
}

/** Returns the name of the records table, and creates it in an empty database. */
async function openRecords(client) {
  const { rows } = await client.query(
    "SELECT current_schema() AS schema, to_regclass(quote_ident(current_schema()) || '._prisma_migrations') AS found",
  );
  const [{ schema, found }] = rows;
  if (!schema)
    throw new MigrationError("This role cannot use any schema of the database: GRANT USAGE, CREATE ON SCHEMA …");
  const table = `${client.escapeIdentifier(schema)}."_prisma_migrations"`;
  if (!found) {
    await mustBeEmpty(client, schema);
    await client.query(`CREATE TABLE ${table} ${RECORD}`);
  }
  return table;
}

async function mustBeEmpty(client, schema) {
  const { rows } = await client.query(OTHER_TABLES);
  if (rows.length === 0) return;
  const names = rows.map(({ relname }) => relname).join(", ");
  throw new MigrationError(
    `The schema "${schema}" of this database is not empty (${names}), and these migrations did not create it. ` +
      "If this is the wrong database, create one for this service: CREATE DATABASE chat.",
  );
}

function compare(known, records, table) {
  const checksums = new Map(known.map(({ name, checksum }) => [name, checksum]));
  for (const { migration_name: name, checksum, finished_at, logs } of records) {
    if (!finished_at) throw new MigrationError(unfinished(name, logs, table));
    if (!checksums.has(name)) console.log(`${name} is applied, but unknown to this release.`);
    else if (checksums.get(name) !== checksum) throw new MigrationError(modified(name));
  }
  const applied = new Set(records.map(({ migration_name }) => migration_name));
  return known.filter(({ name }) => !applied.has(name));
}

const modified = (name) =>
  `${name} was changed after it was applied, so this database does not match this release. ` +
  "Restore the released file. With `make dev`, you can delete the folder .data instead.";

const unfinished = (name, logs, table) =>
  `${name} did not finish${logs ? `: ${logs}` : "."}\n` +
  "Undo manually what it left behind, then run this, so that the next `migrate` applies it again:\n" +
  `UPDATE ${table} SET rolled_back_at = now() WHERE migration_name = '${name}' AND finished_at IS NULL;`;

/** One transaction for the script and its record, so that a failed or killed migration leaves nothing behind. */
async function apply(client, table, migration) {
  try {
    await client.query("BEGIN");
    await client.query(migration.sql);
    await client.query(
      `INSERT INTO ${table} (id, checksum, migration_name, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, clock_timestamp(), 1)`,
      [randomUUID(), migration.checksum, migration.name],
    );
    await client.query("COMMIT");
  } catch (error) {
    if (error.code !== NOT_IN_A_TRANSACTION) throw error;
    await client.query("ROLLBACK");
    await applyWithoutTransaction(client, table, migration);
  }
}

/** Recorded before and after, as Prisma does: if it does not finish, a person must check what it did. */
async function applyWithoutTransaction(client, table, { name, sql, checksum }) {
  const id = randomUUID();
  const finish = (change, ...values) => client.query(`UPDATE ${table} SET ${change} WHERE id = $1`, [id, ...values]);
  await client.query(`INSERT INTO ${table} (id, checksum, migration_name) VALUES ($1, $2, $3)`, [id, checksum, name]);
  try {
    await client.query(sql);
  } catch (error) {
    await finish("logs = $2", error.message);
    throw error;
  }
  await finish("finished_at = clock_timestamp(), applied_steps_count = 1");
}

async function migrate(client, known) {
  await lock(client);
  const table = await openRecords(client);
  const { rows } = await client.query(`SELECT * FROM ${table} WHERE rolled_back_at IS NULL ORDER BY started_at`);
  const pending = compare(known, rows, table);
  for (const migration of pending) {
    console.log(`Applying ${migration.name}`);
    await apply(client, table, migration).catch((error) => {
      throw explain(error, migration.name);
    });
  }
  console.log(pending.length ? "All migrations are applied." : "Nothing to apply: the database is up to date.");
}

/** Runs as one transaction, and may be repeated. The script reports its steps as notices. */
async function distribute(client, script) {
  client.on("notice", ({ message }) => console.log(message));
  await client.query(script);
}

async function run({ url, migrations, distribution }) {
  try {
    const client = await connectTo(url);
    await migrate(client, migrations);
    if (distribution) await distribute(client, distribution);
    await client.end();
  } catch (error) {
    const { message, isTransient } = explain(error);
    console.error(message);
    process.exitCode = isTransient ? UNAVAILABLE : FAILED;
  }
}

const input = new Input(process.stdin);
const task = await input.message();
// Exit with the parent. Postgres notices the closed connection and rolls back.
input.message().then(() => process.exit(FAILED));
if (task) await run(task);
process.exit();
