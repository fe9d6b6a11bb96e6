import assert from "node:assert/strict";
import { test } from "node:test";
import { deletion, isCaught } from "../deletions.mjs";

const SQL = "DELETE … WHERE a = $1 AND b = $2";
let models = 0;

/** Returns a query of a model that no other test has used. */
const query = (where) => ({ modelName: `Model${models++}`, action: "deleteMany", query: { arguments: { where } } });

/** An engine that runs the statements that `plan` makes of a condition. */
const engine = (plan) => ({
  calls: 0,
  async request({
    query: {
      arguments: { where },
    },
  }) {
    this.calls += 1;
    for (const args of plan(where)) isCaught({ sql: SQL, args, argTypes: args.map(() => "text") });
  },
});

test("each value takes the place of its stand-in", async () => {
  const statement = await deletion(
    engine(({ a, b }) => [[b, a]]),
    query({ a: "1", b: "2" }),
  );
  assert.deepEqual(statement, { sql: SQL, args: ["2", "1"], argTypes: ["text", "text"] });
});

test("the engine makes the SQL of the same fields once", async () => {
  const prisma = engine(({ a }) => [[a]]);
  const first = query({ a: "1" });
  const second = { ...first, query: { arguments: { where: { a: "2" } } } };
  const statements = await Promise.all([first, second].map((each) => deletion(prisma, each)));
  assert.deepEqual(
    statements.map(({ args }) => args),
    [["1"], ["2"]],
  );
  assert.equal(prisma.calls, 1);
});

for (const [what, plan] of Object.entries({
  "no statement": () => [],
  "two statements": ({ a, b }) => [
    [a, b],
    [a, b],
  ],
  "an argument of its own": ({ a, b }) => [[a, b, 100]],
  "one argument for two fields": ({ a }) => [[a]],
  "an error": () => {
    throw new Error("not of this type");
  },
})) {
  test(`a plan with ${what} is left to the engine`, async () => {
    assert.equal(await deletion(engine(plan), query({ a: "1", b: "2" })), null);
  });
}

for (const where of [undefined, {}, { a: { in: ["1"] } }, { a: null }, { a: "1", OR: [{ b: "2" }] }]) {
  test(`the condition ${JSON.stringify(where)} is left to the engine`, async () => {
    const prisma = engine(({ a }) => [[a]]);
    assert.equal(await deletion(prisma, query(where)), null);
    assert.equal(prisma.calls, 0);
  });
}
