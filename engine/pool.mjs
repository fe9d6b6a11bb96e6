/** The connections to Postgres, set up so that Prisma's adapter reads and writes correctly through them. */
import pg from "pg";
import { parse } from "pg-connection-string";

/** A server that is silent for this much longer than a statement may take is gone. */
const SILENCE_MS = 2_000;

/**
 * adapter-pg drops the offset of a timestamptz, so every session must be in UTC. As a start-up parameter
 * of its own and not in `options`, because PgBouncer lets the one pass in every version, the other not.
 */
class UtcClient extends pg.Client {
  getStartupConf() {
    return { ...super.getStartupConf(), TimeZone: "UTC" };
  }
}

/** What a `postgresql://` URL says, as options of a pool, plus Prisma's own `schema` and `pgbouncer`. */
export function poolOptions(url) {
  // Else `sslmode=require` would mean `verify-full`, unlike anywhere but in pg.
  const useLibpqCompat = !url.includes("uselibpqcompat=");
  const { schema, pgbouncer, ...options } = parse(url, { useLibpqCompat });
  return { options: { ...options, Client: UtcClient }, schema, pgbouncer: pgbouncer === "true" };
}

function clientClass({ connectTimeout, onStatement }) {
  return class extends UtcClient {
    constructor(options) {
      // pg.Pool hides the password from enumeration.
      super({ ...options, password: options.password, connectionTimeoutMillis: connectTimeout });
    }

    query(config, ...rest) {
      onStatement?.(config.text ?? config);
      return super.query(config, ...rest);
    }
  };
}

/** A connection that was cut must fail its query, not the process; one that hangs must be cut. */
function watch(client, silence) {
  client.on("error", () => {});
  const timeout = Object.assign(new Error("no answer from Postgres"), {
    code: "ETIMEDOUT",
    syscall: "read",
    errno: -110,
  });
  client.connection.stream.setTimeout(silence, () => client.connection.stream.destroy(timeout));
}

/** A `pg.Pool` for the host; all times are milliseconds. `onStatement` is told each statement, if given. */
export function createPool({ url, poolSize, poolTimeout, connectTimeout, statementTimeout, onStatement }) {
  const { options, schema, pgbouncer } = poolOptions(url);
  const pool = new pg.Pool({
    ...options,
    Client: clientClass({ connectTimeout, onStatement }),
    max: poolSize,
    connectionTimeoutMillis: poolTimeout,
    // PgBouncer refuses start-up parameters that it does not know.
    statement_timeout: pgbouncer ? undefined : statementTimeout,
    keepAlive: true,
  });
  pool.on("connect", (client) => watch(client, statementTimeout + SILENCE_MS));
  return { pool, schema, pgbouncer };
}

/** Each statement is parsed once per connection. Only the first few hundred: they stay in Postgres' memory. */
export function statementNames(limit = 300) {
  const names = new Map();
  return ({ sql }) => {
    if (!names.has(sql) && names.size < limit) names.set(sql, `s${names.size}`);
    return names.get(sql);
  };
}
