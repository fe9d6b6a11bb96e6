/** The connections to Postgres, set up so that Prisma's adapter reads and writes correctly through them. */
import { createHash } from "node:crypto";
import pg from "pg";
import { parse } from "pg-connection-string";

/** A server that is silent for this much longer than a statement may take is gone. */
const SILENCE_MS = 2_000;

/** "cached plan must not change result type". */
const OUTDATED_PLAN = "0A000";

/** A prepared statement that is not there, or is there already. */
const POOLED = new Set(["26000", "42P05"]);

/** The parameters that PgBouncer, too, keeps apart for each of its clients, in every version. */
const TRACKED = {
  // adapter-pg drops the offset of a timestamptz, and reads no other format than this one.
  TimeZone: "UTC",
  DateStyle: "ISO, MDY",
  standard_conforming_strings: "on",
};

/** What role and database may have set otherwise, and the service relies on. */
const RELIED_ON = {
  // A create that waited for the deletion of its id has to see the tombstone.
  default_transaction_isolation: "read committed",
  // Only statements have a limit; a lock is waited for as long.
  lock_timeout: 0,
  // A host that went without a word is noticed within a minute, not after the two hours of most systems.
  tcp_keepalives_idle: 30,
  tcp_keepalives_interval: 10,
  tcp_keepalives_count: 3,
  tcp_user_timeout: 60_000,
};

/** As start-up parameters, which neither cost a round trip nor lose against a setting of the role. */
function clientClass(parameters) {
  const texts = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)]));
  return class extends pg.Client {
    getStartupConf() {
      return { ...super.getStartupConf(), ...texts };
    }
  };
}

/** What a `postgresql://` URL says, as options of a pool, plus Prisma's own `schema` and `pgbouncer`. */
export function poolOptions(url, parameters = {}) {
  // Else `sslmode=require` would mean `verify-full`, unlike anywhere but in pg.
  const useLibpqCompat = !url.includes("uselibpqcompat=");
  const { schema, pgbouncer, ...options } = parse(url, { useLibpqCompat });
  const pooled = pgbouncer === "true";
  // Prisma qualifies the tables of its own statements with this schema; ours are to find the same ones.
  const own = pooled ? {} : { search_path: quoted(schema ?? "public"), ...parameters };
  return { options: { ...options, Client: clientClass({ ...TRACKED, ...own }) }, schema, pgbouncer: pooled };
}

const quoted = (name) => `"${name.replaceAll('"', '""')}"`;

function reporting(Client, { connectTimeout, onStatement }) {
  return class extends Client {
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
export function createPool({ url, poolSize, poolTimeout, statementTimeout, idleTimeout, ...reported }) {
  const limits = { statement_timeout: statementTimeout, idle_in_transaction_session_timeout: idleTimeout };
  // PgBouncer refuses start-up parameters that it does not know.
  const { options, schema, pgbouncer } = poolOptions(url, { ...RELIED_ON, ...limits });
  const pool = new pg.Pool({
    ...options,
    Client: reporting(options.Client, reported),
    max: poolSize,
    connectionTimeoutMillis: poolTimeout,
    keepAlive: true,
  });
  pool.on("connect", (client) => watch(client, statementTimeout + SILENCE_MS));
  return { pool, schema, pgbouncer };
}

/**
 * Each statement is parsed once per connection. Only the first few hundred: they stay in Postgres' memory. Its name is
 * a hash of it, so that behind a pooler that was not announced no name ever stands for another statement.
 */
export class StatementNames {
  #names = new Map();
  #generation = 0;
  #enabled = true;

  constructor(limit = 300) {
    this.limit = limit;
  }

  of(sql) {
    if (!this.#names.has(sql) && this.#names.size < this.limit) this.#names.set(sql, this.#name(sql));
    return this.#enabled ? this.#names.get(sql) : undefined;
  }

  #name(sql) {
    return `s${this.#generation}_${createHash("sha256").update(sql).digest("base64url").slice(0, 22)}`;
  }

  /** Take a lesson from an SQLSTATE: plans that a migration has outdated, or a pooler that mixes up connections. */
  learn(state) {
    if (state === OUTDATED_PLAN) {
      this.#generation += 1;
      this.#names.clear();
    }
    if (POOLED.has(state)) this.#enabled = false;
  }
}
