/**
 * adapter-pg, except that raw results keep JSON as text, since the engine would parse it and round numbers above 2^53,
 * and that large parameters bypass the engine.
 */
import { PrismaPg } from "@prisma/adapter-pg";
import { ColumnTypeEnum } from "@prisma/driver-adapter-utils";
import { restored } from "./bypass.mjs";
import { isCaught } from "./deletions.mjs";

/** A type that the engine passes through. adapter-pg never uses it: it reads Postgres' enums as text. */
const UNTOUCHED = ColumnTypeEnum.Enum;
const UNTOUCHED_NAME = "enum";

function customize(queryable) {
  const { executeRaw, performIO, queryRaw, startTransaction } = queryable;
  queryable.performIO = (query) => performIO.call(queryable, { ...query, args: restored(query.args) });
  queryable.executeRaw = async (query) => (isCaught(query) ? 0 : executeRaw.call(queryable, query));
  queryable.queryRaw = async (query) => {
    const result = await queryRaw.call(queryable, query);
    result.columnTypes = result.columnTypes.map((type) => (type === ColumnTypeEnum.Json ? UNTOUCHED : type));
    return result;
  };
  if (startTransaction) {
    queryable.startTransaction = async (level) => customize(await startTransaction.call(queryable, level));
  }
  return queryable;
}

export class Adapter extends PrismaPg {
  async connect() {
    return customize(await super.connect());
  }
}

/** Restores the type name of JSON columns in a raw result. */
export function rawResult(result) {
  return { ...result, types: result.types.map((type) => (type === UNTOUCHED_NAME ? "json" : type)) };
}
