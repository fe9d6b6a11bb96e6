/** Lets Prisma's CLI migrate through pg, without its native engine; see migrate.mjs. */
import { join } from "node:path";
import { defineConfig } from "prisma/config";
import { MigrationAdapter } from "./migrate.mjs";

// Nothing here uses these engines, but the CLI downloads what is missing.
for (const engine of ["QUERY_ENGINE_LIBRARY", "QUERY_ENGINE_BINARY", "SCHEMA_ENGINE_BINARY"]) {
  process.env[`PRISMA_${engine}`] = "/bin/true";
}

// The schema engine forgets its timeouts of 10 s and 60 s and would keep each command waiting for them.
const { setTimeout } = globalThis;
globalThis.setTimeout = (...args) => setTimeout(...args).unref();

export default defineConfig({
  schema: join(import.meta.dirname, "..", "schema.prisma"),
  migrations: { path: process.env.MIGRATIONS_DIR ?? join(import.meta.dirname, "..", "migrations") },
  experimental: { adapter: true },
  engine: "js",
  adapter: async () => new MigrationAdapter(process.env.CHAT_DATABASE_URL),
});
