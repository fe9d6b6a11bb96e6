import assert from "node:assert/strict";
import { test } from "node:test";
import { bypassing, restored } from "../bypass.mjs";

const LARGE = Buffer.from(`"${'\\",'.repeat(50_000)}😀`);

test("a large text does not reach the engine, and is put back for Postgres", async () => {
  const args = await bypassing(["a", LARGE, 1, null, LARGE], (json) => {
    assert.ok(json.length < 200);
    return restored(JSON.parse(json));
  });
  assert.deepEqual(args, ["a", LARGE, 1, null, LARGE]);
});

test("small parameters, arrays included, reach the engine as they are", async () => {
  const given = ["text", 1.5, true, null, ["x", "y"]];
  assert.deepEqual(await bypassing(given, JSON.parse), given);
});

test("concurrent calls get their own texts back", async () => {
  const calls = ["a", "b"].map((letter) =>
    bypassing([Buffer.from(letter)], async (json) => {
      await new Promise(setImmediate);
      return restored(JSON.parse(json))[0].toString();
    }),
  );
  assert.deepEqual(await Promise.all(calls), ["a", "b"]);
});

for (const [outcome, run] of [
  ["succeeds", () => {}],
  ["fails", () => Promise.reject(new Error("no"))],
]) {
  test(`a text is released when its call ${outcome}`, async () => {
    let key;
    const call = bypassing([LARGE], (json) => {
      [key] = JSON.parse(json);
      return run();
    });
    await call.catch(() => {});
    assert.deepEqual(restored([key]), [key]);
  });
}
