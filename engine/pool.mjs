/** Postgres connections, configured so that Prisma's adapter reads and writes correctly. */
import { createHash } from "node:crypto";
import pg from "pg";
import { parse } from "pg-connection-string";
import { Pool } from "./connections.mjs";

/** How long after the statement timeout a silent server counts as gone. */
const SILENCE_MS = 2_000;

/** "cached plan must not change result type". */
const OUTDATED_PLAN = "0A000";

/** A prepared statement does not exist, or exists already. */
const POOLED = new Set(["26000", "42P05"]);

/** Parameters that every version of PgBouncer tracks per client. */
const TRACKED = {
  // adapter-pg drops the offset of a timestamptz, and parses only this format.
  TimeZone: "UTC",
  DateStyle: "ISO, MDY",
  standard_conforming_strings: "on",
};

/** What the service relies on, whatever the role or database have set. */
const RELIED_ON = {
  // A create that waited for the deletion of its id must see the tombstone.
  default_transaction_isolation: "read committed",
  // Waiting for a lock is limited by the statement timeout.
  lock_timeout: 0,
  // Detect a dead host within a minute, instead of the two hours that most systems default to.
  tcp_keepalives_idle: 30,
  tcp_keepalives_interval: 10,
  tcp_keepalives_count: 3,
  tcp_user_timeout: 60_000,
};

/** Sends them as start-up parameters, which need no round trip and override settings of the role. */
function clientClass(parameters) {
  const texts = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)]));
  return class extends pg.Client {
    getStartupConf() {
      return { ...super.getStartupConf(), ...texts };
    }
  };
}

/** Parses a `postgresql://` URL into pool options, plus Prisma's `schema` and `pgbouncer`. */
export function poolOptions(url, parameters = {}) {
  // Otherwise `sslmode=require` would mean `verify-full`, as it does only in pg.
  const useLibpqCompat = !url.includes("uselibpqcompat=");
  const { schema, pgbouncer, ...options } = parse(url, { useLibpqCompat });
  const pooled = pgbouncer === "true";
  // Prisma qualifies its tables with this schema; our own statements must find the same tables.
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

/** A broken connection must fail its query, not the process; a silent one must be closed. */
function watch(client, silence) {
  client.on("error", () => {});
  const timeout = Object.assign(new Error("Postgres did not respond"), {
    code: "ETIMEDOUT",
    syscall: "read",
    errno: -110,
  });
  client.connection.stream.setTimeout(silence, () => client.connection.stream.destroy(timeout));
}

/** A `pg.Pool` for the host; times are in milliseconds. Calls `onStatement`, if given, with each statement. */
export function createPool({ url, poolSize, poolTimeout, statementTimeout, idleTimeout, ...reported }) {
  const limits = { statement_timeout: statementTimeout, idle_in_transaction_session_timeout: idleTimeout };
  // PgBouncer rejects start-up parameters that it does not know.
  const { options, schema, pgbouncer } = poolOptions(url, { ...RELIED_ON, ...limits });
  const pool = new Pool({
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
 * After five executions of a named statement, Postgres may use a plan for an account of average size, which reads all of a
 * large account if there is a list of ids. Such statements are unnamed; raw ones (store/sql_reads.py) are marked.
 */
const PLANNED_FOR_ITS_VALUES = /^\s*\/\* planned for its values \*\/| IN \(\$\d+,/;

/**
 * Names prepared statements, so that each connection parses them once. Only the first few hundred, because they occupy
 * memory in Postgres. The name is a hash, so that behind an undeclared pooler it never refers to another statement.
 */
export class StatementNames {
  #names = new Map();
  #generation = 0;
  #enabled = true;

  constructor(limit = 300) {
    this.limit = limit;
  }

  of(sql) {
    if (!this.#names.has(sql) && this.#names.size < this.limit && !PLANNED_FOR_ITS_VALUES.test(sql)) {
      this.#names.set(sql, this.#name(sql));
    }
    return this.#enabled ? this.#names.get(sql) : undefined;
  }

  #name(sql) {
    return `s${this.#generation}_${createHash("sha256").update(sql).digest("base64url").slice(0, 22)}`;
  }

  /** Reacts to an SQLSTATE: plans outdated by a migration, or an undeclared pooler that mixes connections. */
  learn(state) {
    if (state === OUTDATED_PLAN) {
      this.#generation += 1;
      this.#names.clear();
    }
    if (POOLED.has(state)) this.#enabled = false;
  }
}
