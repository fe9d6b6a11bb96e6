/** adapter-pg, patched where Prisma's schema comparison would fail or modify the wrong database. */
import { randomUUID } from "node:crypto";
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { poolOptions } from "../pool.mjs";

/** The catalogue's type "char", which the adapter cannot read, and text, which it can. */
const CHAR = 18;
const TEXT = 25;

class CatalogPool extends pg.Pool {
  async query(...args) {
    const result = await super.query(...args);
    for (const field of result.fields ?? []) if (field.dataTypeID === CHAR) field.dataTypeID = TEXT;
    return withoutNotNull(result);
  }
}

/** Postgres 18 lists NOT NULL as a constraint; the schema engine panics at unknown kinds. */
function withoutNotNull(result) {
  const kind = result.fields?.findIndex((field) => field.name === "constraint_type") ?? -1;
  if (kind >= 0) result.rows = result.rows.filter((row) => row[kind] !== "n");
  return result;
}

/** Sends a script as it is, in one implicit transaction; the adapter would split it at every `;`. */
function whole(adapter) {
  adapter.executeScript = async (script) => {
    await adapter
      .underlyingDriver()
      .query(script)
      .catch((error) => adapter.onError(error));
  };
  return adapter;
}

function open(url, database) {
  const { options, schema } = poolOptions(url);
  const own = database ? { database } : {};
  const pool = new CatalogPool({ ...options, ...own, allowExitOnIdle: true });
  return new PrismaPg(pool, { schema, disposeExternalPool: true });
}

async function mustBeIn(adapter, database) {
  const { rows } = await adapter.underlyingDriver().query("SELECT current_database() AS name");
  if (rows[0].name !== database)
    throw new Error(`connected to ${rows[0].name} instead of ${database}; nothing was touched`);
}

export class DriftAdapter extends PrismaPg {
  constructor(url) {
    super({});
    this.url = url;
  }

  async connect() {
    return whole(await open(this.url).connect());
  }

  /**
   * Prisma erases the database that this returns. Given a connection string, adapter-pg returns the one with the data,
   * because pg prefers the string to the new database's name. So this checks where it is connected, and drops it later.
   */
  async connectToShadowDb() {
    const database = `prisma_migrate_shadow_db_${randomUUID()}`;
    const home = await this.connect();
    await home.executeScript(`CREATE DATABASE "${database}"`);
    const shadow = whole(await open(this.url, database).connect());
    await mustBeIn(shadow, database);
    const { dispose } = shadow;
    shadow.dispose = async () => {
      await dispose.call(shadow);
      await home.executeScript(`DROP DATABASE "${database}" WITH (FORCE)`);
      await home.dispose();
    };
    return shadow;
  }
}
