import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { Input, packed, untag, wireError } from "../protocol.mjs";

async function messagesOf(...chunks) {
  const stream = new PassThrough();
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  const input = new Input(stream);
  const messages = [];
  for (let each = await input.message(); each !== undefined; each = await input.message()) messages.push(each);
  return messages;
}

const callWith = (...parameters) => [7, { op: "query", query: { query: { arguments: { parameters } } } }];

const driverError = (cause) => Object.assign(new Error("driver"), { meta: { driverAdapterError: { cause } } });
const codeOf = (error) => wireError(error).user_facing_error.error_code;

test("lines end only at line feeds, wherever chunks end", async () => {
  assert.deepEqual(await messagesOf('["a"]\n["b', 'c\u2028d\u0085"', "]\n[1]\n[2"), [["a"], ["bc\u2028d\u0085"], [1]]);
});

test("a character split across chunks stays whole", async () => {
  const bytes = Buffer.from('["👩"]\n');
  assert.deepEqual(await messagesOf(bytes.subarray(0, 4), bytes.subarray(4)), [["👩"]]);
});

test("large texts follow their line, whatever they contain and wherever chunks end", async () => {
  const texts = ["\n👩\n", "", '{"$size":1}'].map((text) => Buffer.from(text));
  const sizes = texts.map((text) => ({ $size: text.length }));
  const line = Buffer.from(`${JSON.stringify(callWith("a", sizes[0], null, sizes[1], sizes[2]))}\n`);
  const bytes = Buffer.concat([line, ...texts, Buffer.from("[8]\n")]);
  const expected = [callWith("a", texts[0], null, texts[1], texts[2]), [8]];
  for (let at = 1; at < bytes.length; at++) {
    assert.deepEqual(await messagesOf(bytes.subarray(0, at), bytes.subarray(at)), expected);
  }
});

test("large texts of raw results follow their line, which has their places and sizes", () => {
  const [wide, plain] = ["👩\n".repeat(400), '"'.repeat(2000)];
  const data = {
    columns: ["a", "b"],
    types: ["string", "string"],
    rows: [
      ["small", wide],
      [plain, null],
    ],
  };
  const [line, ...texts] = packed({ id: 1, data });
  const places = [
    [0, 1, 2000],
    [1, 0, 2000],
  ];
  assert.deepEqual(JSON.parse(line), {
    id: 1,
    data: {
      ...data,
      rows: [
        ["small", null],
        [null, null],
      ],
    },
    texts: places,
  });
  assert.ok(line.endsWith("\n"));
  assert.deepEqual(texts, [wide, plain]);
});

for (const data of [null, 3, { count: 1 }, [{ rows: "x".repeat(2000) }], { columns: [], types: [], rows: [] }]) {
  test(`other responses are a line: ${JSON.stringify(data).slice(0, 20)}`, () => {
    assert.deepEqual(packed({ id: 1, data }), [`${JSON.stringify({ id: 1, data })}\n`]);
  });
}

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

test("errors of the connection are described in words", () => {
  const cases = [
    [{ kind: "DatabaseNotReachable", host: "127.0.0.1", port: 1 }, "Can't reach database server at 127.0.0.1:1"],
    [{ kind: "DatabaseNotReachable", host: "db.invalid" }, "Can't reach database server at db.invalid"],
    [{ kind: "ConnectionClosed" }, "Server has closed the connection"],
    [{ kind: "SocketTimeout" }, "Operation has timed out"],
    [{ kind: "TlsConnectionError", reason: "self-signed" }, "Error opening a TLS connection: self-signed"],
  ];
  for (const [cause, text] of cases) assert.equal(wireError(driverError(cause)).error, text);
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
