/** The format of the pipe: lines, plain values, and errors in the shape that Prisma Client Python expects. */

const LINE_FEED = 0x0a;

/** In characters. Longer texts of raw results follow their line, because escaping and parsing them takes longer. */
const LARGE = 512;

/** Reads messages from a stream: lines of JSON, and large texts of given sizes. */
export class Input {
  #chunks;
  #rest = Buffer.alloc(0);

  constructor(stream) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** Returns the next message, with its large texts as buffers, or undefined at the end. */
  async message() {
    const line = await this.#line();
    if (line === undefined) return undefined;
    const message = JSON.parse(line);
    const parameters = message[1]?.query?.query.arguments?.parameters ?? [];
    for (const [index, each] of parameters.entries()) {
      if (each?.$size !== undefined) parameters[index] = await this.#bytes(each.$size);
    }
    return message;
  }

  async #line() {
    const parts = [];
    for (;;) {
      const end = this.#rest.indexOf(LINE_FEED);
      parts.push(this.#take(end < 0 ? this.#rest.length : end + 1));
      if (end >= 0) return Buffer.concat(parts).toString();
      if (!(await this.#refill())) return undefined;
    }
  }

  async #bytes(size) {
    const parts = [];
    let missing = size;
    while (missing > 0 && (this.#rest.length > 0 || (await this.#refill()))) {
      parts.push(this.#take(missing));
      missing -= parts.at(-1).length;
    }
    return Buffer.concat(parts);
  }

  #take(length) {
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return taken;
  }

  async #refill() {
    const { value, done } = await this.#chunks.next();
    if (!done) this.#rest = value;
    return !done;
  }
}

/** Serializes a response to a line and the large texts that follow it; `texts` has their rows, columns and sizes. */
export function packed(message) {
  const rows = message.data?.rows;
  if (!Array.isArray(rows)) return [`${JSON.stringify(message)}\n`];
  const large = [];
  const texts = [];
  for (const [index, row] of rows.entries()) {
    for (const [column, value] of row.entries()) {
      if (typeof value !== "string" || value.length <= LARGE) continue;
      large.push(value);
      texts.push([index, column, Buffer.byteLength(value)]);
      row[column] = null;
    }
  }
  return [`${JSON.stringify(texts.length > 0 ? { ...message, texts } : message)}\n`, ...large];
}

// JSON has no BigInt, so send its digits as text. Faster than a replacer, which runs for every value.
BigInt.prototype.toJSON = BigInt.prototype.toString;

/** Unwraps tagged values for pydantic: `{$type: "BigInt", value: "1"}` becomes `"1"`. */
export function untag(value) {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(untag);
  if (typeof value.$type === "string") return value.value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, untag(item)]));
}

/** The database URL is invalid, or names a missing file. */
export class ConfigurationError extends Error {}

const CODE_OF_KIND = {
  AuthenticationFailed: "P1000",
  DatabaseNotReachable: "P1001",
  DatabaseDoesNotExist: "P1003",
  SocketTimeout: "P1008",
  DatabaseAccessDenied: "P1010",
  TlsConnectionError: "P1011",
  ConnectionClosed: "P1017",
  TransactionWriteConflict: "P2034",
  TooManyConnections: "P2037",
};

/** Prisma's code for any other failure of raw SQL. */
const RAW_FAILED = "P2010";

/** Texts for errors of the adapter whose message is only their kind. */
const TEXT_OF_KIND = {
  ConnectionClosed: () => "Server has closed the connection",
  DatabaseNotReachable: ({ host, port }) => `Can't reach database server at ${[host, port].filter(Boolean).join(":")}`,
  SocketTimeout: () => "Operation has timed out",
  TlsConnectionError: ({ reason }) => `Error opening a TLS connection: ${reason}`,
  UnsupportedNativeDataType: ({ type }) => `Columns of type '${type}' cannot be read: cast to text.`,
};

/** Errors of pg and Node without a code that Prisma knows. */
const CODE_OF_TEXT = [
  [/^timeout exceeded when trying to connect/, "P2024"],
  [/Unable to start a transaction in the given time/, "P2024"],
  [/^timeout expired|connection timeout/, "P1001"],
  [/^Connection terminated|is not queryable|Cannot use a pool after/, "P1017"],
  [/Transaction not found/, "P1017"],
];

const find = (table, text) => table.find(([pattern]) => pattern.test(text ?? ""))?.[1];

const driverCause = (error) => error.meta?.driverAdapterError?.cause ?? error.cause ?? {};

/** Postgres' error code, if the error came from Postgres. Python decides how to handle it. */
export const sqlStateOf = (error) => driverCause(error).originalCode;

function codeOf(error) {
  const known = CODE_OF_KIND[driverCause(error).kind] ?? find(CODE_OF_TEXT, error.message);
  if (known) return known;
  if (error instanceof ConfigurationError) return "P1013";
  if (/^P\d{4}$/.test(error.code)) return error.code;
  if (error.name === "DriverAdapterError") return RAW_FAILED;
  return typeof error.syscall === "string" || error.name === "AggregateError" ? "P1001" : null;
}

function metaOf({ meta = {} }, cause) {
  const { driverAdapterError, ...rest } = meta;
  if (cause.originalCode) Object.assign(rest, { code: cause.originalCode, message: cause.originalMessage });
  const target = cause.constraint?.index ?? cause.constraint?.fields;
  return target ? { ...rest, target } : rest;
}

/** Prisma Client Python recognizes an expired transaction by its first words, which this engine dropped. */
function textOf(error) {
  const cause = driverCause(error);
  const text = String(TEXT_OF_KIND[cause.kind]?.(cause) ?? error.message).replace("Transaction API error: ", "");
  return text.includes("expired transaction") ? `Transaction already closed: ${text}` : text;
}

export function wireError(error) {
  const message = textOf(error);
  const meta = metaOf(error, driverCause(error));
  const is_panic = error.name === "PrismaClientRustPanicError";
  return { error: message, user_facing_error: { is_panic, error_code: codeOf(error), message, meta } };
}
