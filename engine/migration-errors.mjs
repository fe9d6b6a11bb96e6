/** Why a migration could not run, and what to do about it. */

export class MigrationError extends Error {
  constructor(message, { isTransient = false } = {}) {
    super(message);
    this.isTransient = isTransient;
  }
}

/** Advice for the error codes that an operator must act on. */
const ADVICE = {
  28000: "Postgres rejects this user from this host: check its pg_hba.conf.",
  "28P01": "Check the user and the password in the database URL.",
  "3D000": "Create the database, or correct its name in the URL.",
  25006: "This server is a standby or read-only: connect to the primary.",
  42501:
    "Grant the privilege (GRANT CREATE ON SCHEMA …), or connect as the role that owns the tables: " +
    "`chat-sessions migrate --database-url postgresql://…`.",
  25001: "A statement that cannot run in a transaction needs its own migration.",
};

/** Advice for errors that pg itself raises, without a code. */
const ADVICE_OF_TEXT = [
  [/password must be a string/, "Postgres requires a password, but the database URL has none."],
  [/does not support SSL/, "Remove `sslmode` from the database URL, or enable TLS in Postgres."],
];

/** Connection lost, too many connections, shutting down or starting up. */
const TRANSIENT_STATE = /^(08|53|57P0)/;
const TRANSIENT_TEXT = /^(timeout expired|Connection terminated|connection timeout)|is not queryable/;

function isTransient(error) {
  if (/^[0-9A-Z]{5}$/.test(error.code ?? "")) return TRANSIENT_STATE.test(error.code);
  return typeof error.syscall === "string" || error.name === "AggregateError" || TRANSIENT_TEXT.test(error.message);
}

const adviceFor = ({ code, message }) => ADVICE[code] ?? ADVICE_OF_TEXT.find(([pattern]) => pattern.test(message))?.[1];

/** When Node fails at several addresses, only the inner errors have messages. */
const textOf = (error) => error.message || error.errors?.map(({ message }) => message).join(", ") || String(error);

/** Returns a readable error; `during` names the migration being applied. */
export function explain(error, during) {
  if (error instanceof MigrationError) return error;
  const text = [during && `${during}: `, textOf(error), error.detail && ` (${error.detail})`].filter(Boolean).join("");
  const transient = isTransient(error);
  return new MigrationError([text, error.hint, adviceFor(error)].filter(Boolean).join("\n"), {
    isTransient: transient,
  });
}
