/** Generates both clients from schema.prisma: Prisma Client Python in the virtual environment, its engine in generated/. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const SCHEMA = join(HERE, "..", "schema.prisma");
const GENERATED = join(HERE, "generated");
const CLIENT = join(GENERATED, "client");
const HOME = join(GENERATED, ".home");
const VENV_BIN = join(process.env.VIRTUAL_ENV || join(HERE, "..", ".venv"), "bin");

/** Stops the CLIs from downloading native engines, sending telemetry, and writing outside this folder. */
const CONFINED = {
  CHECKPOINT_DISABLE: "1",
  PRISMA_QUERY_ENGINE_BINARY: "/bin/true",
  PRISMA_QUERY_ENGINE_LIBRARY: "/bin/true",
  PRISMA_SCHEMA_ENGINE_BINARY: "/bin/true",
  HOME,
  XDG_CACHE_HOME: join(HOME, "cache"),
  XDG_CONFIG_HOME: join(HOME, "config"),
};

/**
 * The schema for Prisma 7's CLI, which rejects `url` and the Python generator. The small query compiler needs less memory;
 * its speed does not matter, because each kind of query is compiled once, and raw SQL never.
 */
function schemaForEngine() {
  const schema = readFileSync(SCHEMA, "utf8");
  const bare = schema.replace(/^generator \w+ \{.*?^\}\n/gms, "").replace(/^\s*url\s*=.*\n/gm, "");
  const generator = ['provider = "prisma-client-js"', 'output = "./client"', 'compilerBuild = "small"'];
  return `${bare}\ngenerator engine {\n  ${generator.join("\n  ")}\n}\n`;
}

function generate(cli, schema, env) {
  const entry = join(dirname(createRequire(import.meta.url).resolve(`${cli}/package.json`)), "build", "index.js");
  try {
    execFileSync(process.execPath, [entry, "generate", "--schema", schema], {
      cwd: GENERATED,
      env: { ...process.env, ...CONFINED, ...env },
      stdio: "pipe",
    });
  } catch (error) {
    throw new Error(`${cli} generate failed:\n${error.stdout ?? ""}${error.stderr ?? error}`);
  }
}

/** Makes the client read the query compiler from its file, not from a script whose text would stay in memory. */
function loadCompilerFromFile() {
  for (const script of readdirSync(CLIENT).filter((name) => name.endsWith(".wasm-base64.js"))) {
    const file = script.replace("-base64.js", "");
    writeFileSync(join(CLIENT, script), `exports.wasm = require("node:fs").readFileSync(\`\${__dirname}/${file}\`);\n`);
  }
}

rmSync(GENERATED, { recursive: true, force: true });
mkdirSync(HOME, { recursive: true });
const engineSchema = join(GENERATED, "schema.prisma");
writeFileSync(engineSchema, schemaForEngine());
generate("prisma7", engineSchema, {});
loadCompilerFromFile();
generate("prisma", SCHEMA, {
  PATH: VENV_BIN + delimiter + process.env.PATH,
  PRISMA_PY_DEBUG_GENERATOR: "1", // accept a CLI other than 5.17
});
rmSync(HOME, { recursive: true, force: true });
console.log(`Generated Prisma Client Python (in ${dirname(VENV_BIN)}) and its engine (in ${GENERATED}).`);
