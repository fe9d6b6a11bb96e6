import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { test } from "node:test";

const CLIENT = new URL("../generated/client/", import.meta.url);

test("the generated client has no script with the query compiler as text, which would stay in memory", () => {
  const scripts = readdirSync(CLIENT, { recursive: true }).filter((name) => /\.[cm]?js$/.test(name));
  assert.ok(scripts.includes("index.js"));
  assert.deepEqual(
    scripts.filter((name) => statSync(new URL(name, CLIENT)).size > 1_000_000),
    [],
  );
});
