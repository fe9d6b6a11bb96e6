// @vitest-environment node
import { readFileSync } from "node:fs";
import openapiTS, { astToString, COMMENT_HEADER } from "openapi-typescript";
import { expect, expectTypeOf, test } from "vitest";
import type { components } from "./schema";
import type { FieldProblem, Message, Summary } from "./types";

test("schema.ts matches openapi.json (npm run generate)", async () => {
  const document = new URL("../../../openapi.json", import.meta.url);
  const generated = COMMENT_HEADER + astToString(await openapiTS(document, { defaultNonNullable: false }));
  expect(readFileSync(new URL("./schema.ts", import.meta.url), "utf8")).toBe(generated);
});

// The comparison is one of types: `npm run check` fails.
test("the public types match openapi.json", () => {
  expectTypeOf<Summary>().toEqualTypeOf<components["schemas"]["SessionSummary"]>();
  expectTypeOf<Message>().branded.toEqualTypeOf<components["schemas"]["Message"]>();
  expectTypeOf<FieldProblem>().toEqualTypeOf<components["schemas"]["FieldProblem"]>();
});
