/** Lets Prisma 6's CLI compare schema.prisma with the migrations through pg, without a native engine. For tests. */
import { join } from "node:path";
import { defineConfig } from "prisma/config";
import { DriftAdapter } from "./adapter.mjs";

// Nothing uses these engines, but the CLI downloads missing ones.
for (const engine of ["QUERY_ENGINE_LIBRARY", "QUERY_ENGINE_BINARY", "SCHEMA_ENGINE_BINARY"]) {
  process.env[`PRISMA_${engine}`] = "/bin/true";
}

// The schema engine never clears its timeouts of 10 s and 60 s, which would delay the exit of each command.
const { setTimeout } = globalThis;
globalThis.setTimeout = (...args) => setTimeout(...args).unref();

const root = join(import.meta.dirname, "..", "..");

export default defineConfig({
  schema: join(root, "schema.prisma"),
  migrations: { path: process.env.MIGRATIONS_DIR ?? join(root, "migrations") },
  experimental: { adapter: true },
  engine: "js",
  adapter: async () => new DriftAdapter(process.env.CHAT_DATABASE_URL),
});
