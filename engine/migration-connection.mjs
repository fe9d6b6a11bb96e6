/** The one connection that migrations run on. */
import { MigrationError } from "./migration-errors.mjs";
import { poolOptions } from "./pool.mjs";

const CONNECT_TIMEOUT_MS = 5_000;

/** Limits of the role are for the service; a migration may take as long as it needs. */
const SESSION = `
SELECT set_config(name, '0', false)
FROM unnest(ARRAY['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) AS name`;

/** Makes Postgres notice, in the middle of a statement, that this process is gone. Not every platform can. */
const WATCH = "SET client_connection_check_interval = '1s'";

const ENCODE =
  "The URL of the database cannot be read. Special characters of a password must be percent-encoded in it: " +
  "/ is %2F, # is %23, ? is %3F, @ is %40, % is %25.";

const POOLED =
  "Migrations cannot go through a pooler of transactions (pgbouncer=true in the URL): their lock belongs to a session. " +
  "Give them the address of Postgres itself: `chat-sessions migrate --database-url postgresql://…`.";

/** A character that ends the part of the URL with the password, so that the rest of it became something else. */
const hasCutPassword = ({ hash, pathname, search }) => hash || pathname.includes("@") || /^\?[^=&]*@/.test(search);

function readUrl(url) {
  if (URL.canParse(url) && hasCutPassword(new URL(url))) throw new MigrationError(ENCODE);
  try {
    return poolOptions(url);
  } catch (error) {
    const isFile = error.syscall === "open";
    throw new MigrationError(isFile ? `The URL of the database names a missing file: ${error.message}` : ENCODE);
  }
}

export async function connectTo(url) {
  const { options, schema, pgbouncer } = readUrl(url);
  if (pgbouncer) throw new MigrationError(POOLED);
  const { Client, ...rest } = options;
  const client = new Client({ ...rest, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, keepAlive: true });
  client.on("error", () => {}); // the query that is running fails, too
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
