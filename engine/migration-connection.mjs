/** The single connection that migrations run on. */
import { MigrationError } from "./migration-errors.mjs";
import { poolOptions } from "./pool.mjs";

const CONNECT_TIMEOUT_MS = 5_000;

/** The role's timeouts are meant for the service; a migration may take as long as it needs. */
const SESSION = `
SELECT set_config(name, '0', false)
FROM unnest(ARRAY['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) AS name`;

/** Lets Postgres notice in mid-statement that this process is gone. Not every platform supports it. */
const WATCH = "SET client_connection_check_interval = '1s'";

const POOLED =
  "Migrations need a session, so they cannot run through a transaction pooler (pgbouncer=true in the URL). " +
  "Connect to Postgres directly: `chat-sessions migrate --database-url postgresql://…`.";

function readUrl(url) {
  try {
    return poolOptions(url);
  } catch (error) {
    const isFile = error.syscall === "open";
    throw new MigrationError(
      isFile ? `The database URL names a missing file: ${error.message}` : "The database URL is invalid.",
    );
  }
}

export async function connectTo(url) {
  const { options, schema, pgbouncer } = readUrl(url);
  if (pgbouncer) throw new MigrationError(POOLED);
  const { Client, ...rest } = options;
  const client = new Client({ ...rest, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, keepAlive: true });
  client.on("error", () => {}); // the running query fails as well
  await client.connect();
  await client.query(SESSION);
  await client.query(WATCH).catch(() => {});
  if (schema) await useSchema(client, client.escapeIdentifier(schema));
  return client;
}

async function useSchema(client, name) {
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${name}`);
  await client.query(`SET search_path TO ${name}`);
}
