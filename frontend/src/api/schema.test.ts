// @vitest-environment node
import { readFileSync } from "node:fs";
import openapiTS, { astToString, COMMENT_HEADER } from "openapi-typescript";
import { expect, expectTypeOf, test } from "vitest";
import type { components } from "./schema";
import type { FieldProblem, Message, Summary } from "./types";

test("the types are those of openapi.json (npm run generate)", async () => {
  const document = new URL("../../../openapi.json", import.meta.url);
  const generated = COMMENT_HEADER + astToString(await openapiTS(document, { defaultNonNullable: false }));
  expect(readFileSync(new URL("./schema.ts", import.meta.url), "utf8")).toBe(generated);
});

// Compared by `npm run check`.
test("the types that hosts see are those of openapi.json", () => {
  expectTypeOf<Summary>().toEqualTypeOf<components["schemas"]["SessionSummary"]>();
  expectTypeOf<Message>().branded.toEqualTypeOf<components["schemas"]["Message"]>();
  expectTypeOf<FieldProblem>().toEqualTypeOf<components["schemas"]["FieldProblem"]>();
});
