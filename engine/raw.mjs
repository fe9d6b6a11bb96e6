/**
 * Runs raw SQL outside of transactions directly on Prisma's adapter. Prisma's engine would interpret the statement as a
 * query plan and copy every value, which takes as long as all the rest.
 */
import { PrismaPg } from "@prisma/adapter-pg";
import { ColumnTypeEnum } from "@prisma/driver-adapter-utils";

/** The engine's names of the types that Prisma Client Python converts. */
const NAMES = {
  [ColumnTypeEnum.Int64]: "bigint",
  [ColumnTypeEnum.Int64Array]: "bigint-array",
  [ColumnTypeEnum.Numeric]: "decimal",
  [ColumnTypeEnum.NumericArray]: "decimal-array",
  [ColumnTypeEnum.Json]: "json",
};

const argument = (given) => (Array.isArray(given) ? given.map(argument) : (given?.prisma__value ?? given));

const typeOf = (given) => ({ scalarType: "unknown", arity: Array.isArray(given) ? "list" : "scalar" });

export const rawAdapter = (pool, options) => new PrismaPg(pool, options).connect();

/** Returns rows and their types, or the number of changed rows. JSON stays text; large parameters are buffers. */
export async function runRaw(adapter, { action, query }) {
  const { query: sql, parameters } = query.arguments;
  const statement = { sql, args: parameters.map(argument), argTypes: parameters.map(typeOf) };
  if (action === "executeRaw") return adapter.executeRaw(statement);
  const { columnNames, columnTypes, rows } = await adapter.queryRaw(statement);
  return { columns: columnNames, types: columnTypes.map((type) => NAMES[type] ?? "string"), rows };
}
