/** adapter-pg, except that raw results keep JSON as text: the engine parses it and rounds what is above 2^53. */
import { PrismaPg } from "@prisma/adapter-pg";
import { ColumnTypeEnum } from "@prisma/driver-adapter-utils";

/** The engine leaves values of this type alone. adapter-pg has no use for it: Postgres' enums are text to it. */
const UNTOUCHED = ColumnTypeEnum.Enum;
const UNTOUCHED_NAME = "enum";

function keepJson(queryable) {
  const { queryRaw, startTransaction } = queryable;
  queryable.queryRaw = async (query) => {
    const result = await queryRaw.call(queryable, query);
    result.columnTypes = result.columnTypes.map((type) => (type === ColumnTypeEnum.Json ? UNTOUCHED : type));
    return result;
  };
  if (startTransaction) {
    queryable.startTransaction = async (level) => keepJson(await startTransaction.call(queryable, level));
  }
  return queryable;
}

export class JsonKeepingAdapter extends PrismaPg {
  async connect() {
    return keepJson(await super.connect());
  }
}

/** Gives the columns of JSON in a raw result back the name of their type. */
export function rawResult(result) {
  return { ...result, types: result.types.map((type) => (type === UNTOUCHED_NAME ? "json" : type)) };
}
