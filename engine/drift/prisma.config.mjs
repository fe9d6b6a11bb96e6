/** Lets the CLI of Prisma 6 compare schema.prisma with the migrations through pg, without a native engine. For tests. */
import { join } from "node:path";
import { defineConfig } from "prisma/config";
import { DriftAdapter } from "./adapter.mjs";

// Nothing here uses these engines, but the CLI downloads what is missing.
for (const engine of ["QUERY_ENGINE_LIBRARY", "QUERY_ENGINE_BINARY", "SCHEMA_ENGINE_BINARY"]) {
  process.env[`PRISMA_${engine}`] = "/bin/true";
}

// The schema engine forgets its timeouts of 10 s and 60 s and would keep each command waiting for them.
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
