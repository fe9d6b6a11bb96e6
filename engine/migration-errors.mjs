/** Why a migration could not run, and what to do about it. */

export class MigrationError extends Error {
  constructor(message, { isTransient = false } = {}) {
    super(message);
    this.isTransient = isTransient;
  }
}

/** Postgres' codes for what an operator has to set right. */
const ADVICE = {
  28000: "Postgres does not let this user in from here: look into its pg_hba.conf.",
  "28P01": "Check the user and the password in the URL of the database.",
  "3D000": "Create the database, or correct its name at the end of the URL.",
  25006: "This server is a standby or read-only: use the address of the primary.",
  42501:
    "Let this role do that (GRANT CREATE ON SCHEMA …), or give the role that owns the tables: " +
    "`chat-sessions migrate --database-url postgresql://…`.",
  25001: "A statement that cannot be in a transaction needs a migration of its own.",
};

/** What pg says itself, without a code. */
const ADVICE_OF_TEXT = [
  [/password must be a string/, "Postgres wants a password, and the URL of the database has none."],
  [/does not support SSL/, "Remove `sslmode` from the URL of the database, or turn TLS on in Postgres."],
];

/** Connection lost, out of connections, shutting down or starting. */
const TRANSIENT_STATE = /^(08|53|57P0)/;
const TRANSIENT_TEXT = /^(timeout expired|Connection terminated|connection timeout)|is not queryable/;

function isTransient(error) {
  if (/^[0-9A-Z]{5}$/.test(error.code ?? "")) return TRANSIENT_STATE.test(error.code);
  return typeof error.syscall === "string" || error.name === "AggregateError" || TRANSIENT_TEXT.test(error.message);
}

const adviceFor = ({ code, message }) => ADVICE[code] ?? ADVICE_OF_TEXT.find(([pattern]) => pattern.test(message))?.[1];

/** Node tries several addresses, and says nothing of its own about them. */
const textOf = (error) => error.message || error.errors?.map(({ message }) => message).join(", ") || String(error);

/** Returns the error as one for people; `during` names the migration that was being applied. */
export function explain(error, during) {
  if (error instanceof MigrationError) return error;
  const text = [during && `${during}: `, textOf(error), error.detail && ` (${error.detail})`].filter(Boolean).join("");
  const transient = isTransient(error);
  return new MigrationError([text, adviceFor(error)].filter(Boolean).join("\n"), { isTransient: transient });
}
