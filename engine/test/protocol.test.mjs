import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { readLines, untag, wireError } from "../protocol.mjs";

async function linesOf(...chunks) {
  const stream = new PassThrough();
  const lines = [];
  readLines(stream, (line) => lines.push(line));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await new Promise((resolve) => stream.on("end", resolve));
  return lines;
}

const driverError = (cause) => Object.assign(new Error("driver"), { meta: { driverAdapterError: { cause } } });
const codeOf = (error) => wireError(error).user_facing_error.error_code;

test("lines end only at line feeds, wherever chunks end", async () => {
  assert.deepEqual(await linesOf("a\nb", "c\u2028d\u0085", "\n\ne"), ["a", "bc\u2028d\u0085", ""]);
});

test("a character split across chunks stays whole", async () => {
  const bytes = Buffer.from("👩\n");
  assert.deepEqual(await linesOf(bytes.subarray(0, 2), bytes.subarray(2)), ["👩"]);
});

test("tags become their values at any depth, and their content is not parsed", () => {
  const json = '{"$type":"BigInt","value":"1"}';
  const tagged = {
    a: [{ $type: "BigInt", value: "9007199254740993" }],
    b: { c: { $type: "Json", value: json } },
    d: null,
  };
  assert.deepEqual(untag(tagged), { a: ["9007199254740993"], b: { c: json }, d: null });
});

test("a lost, unreachable or full database has its own code, in raw queries as well", () => {
  const cases = [
    [{ kind: "DatabaseNotReachable" }, "P1001"],
    [{ kind: "ConnectionClosed" }, "P1017"],
    [{ kind: "TooManyConnections" }, "P2037"],
  ];
  for (const [cause, code] of cases) assert.equal(codeOf(Object.assign(driverError(cause), { code: "P2010" })), code);
});

test("errors of Postgres keep their code and message", () => {
  const cause = { kind: "postgres", originalCode: "53100", originalMessage: "disk full" };
  const { meta } = wireError(Object.assign(driverError(cause), { code: "P2010" })).user_facing_error;
  assert.deepEqual(meta, { code: "53100", message: "disk full" });
});

test("errors that pg reports as text get a code", () => {
  const cases = [
    ["timeout exceeded when trying to connect", "P2024"],
    ["timeout expired", "P1001"],
    ["Connection terminated due to connection timeout", "P1001"],
    ["Connection terminated unexpectedly", "P1017"],
    ["Client has encountered a connection error and is not queryable", "P1017"],
    ["something else", null],
  ];
  for (const [text, code] of cases) assert.equal(codeOf(new Error(text)), code, text);
});

test("a missing socket file is an unreachable database", () => {
  assert.equal(codeOf(Object.assign(new Error("connect ENOENT"), { code: "ENOENT", syscall: "connect" })), "P1001");
});

test("a unique violation names its constraint, without the driver's error", () => {
  const cause = {
    kind: "UniqueConstraintViolation",
    constraint: { index: "x_pkey" },
    originalCode: "23505",
    originalMessage: "m",
  };
  const { meta } = wireError(Object.assign(driverError(cause), { code: "P2002" })).user_facing_error;
  assert.deepEqual(meta, { code: "23505", message: "m", target: "x_pkey" });
});

test("an expired transaction begins with the words that Prisma Client Python expects", () => {
  const error = Object.assign(
    new Error("Transaction API error: A query cannot be executed on an expired transaction."),
    { code: "P2028" },
  );
  assert.match(wireError(error).error, /^Transaction already closed: A query/);
});
