import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const FRONTEND = join(import.meta.dirname, "../..");
const WORK = join(FRONTEND, "../.cache/hosts");
const NPM = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];

export interface Kind {
  name: string;
  /** A folder next to this file. */
  template: "vite" | "next";
  dependencies: Record<string, string>;
  build: string[];
  serve: (port: number) => string[];
}

/** A host application: freshly installed from npm with the packed sidebar, built for production and served. */
export class Host {
  readonly url: string;
  /** The files in the package. */
  readonly files: string[];
  readonly #server: ChildProcess;
  readonly #folder: string;

  private constructor(port: number, files: string[], server: ChildProcess, folder: string) {
    this.url = `http://127.0.0.1:${port}`;
    this.files = files;
    this.#server = server;
    this.#folder = folder;
  }

  static async start(kind: Kind, service: string): Promise<Host> {
    await mkdir(WORK, { recursive: true });
    const folder = await mkdtemp(join(WORK, `${kind.name}-`));
    const environment = { ...process.env, SERVICE: service, NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: "production" };
    const files = await make(folder, kind);
    await run("npx", ["tsc"], { cwd: folder, env: environment });
    await run("npx", kind.build, { cwd: folder, env: environment });
    const port = await freePort();
    const server = spawn("npx", kind.serve(port), { cwd: folder, env: environment, detached: true, stdio: "ignore" });
    const host = new Host(port, files, server, folder);
    try {
      await host.#ready();
    } catch (error) {
      await host.stop();
      throw error;
    }
    return host;
  }

  async stop(): Promise<void> {
    if (this.#server.pid !== undefined && this.#server.exitCode === null) {
      const ended = new Promise((resolve) => this.#server.once("exit", resolve));
      // The whole process group, since npx starts the server as a child.
      process.kill(-this.#server.pid, "SIGTERM");
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #ready(): Promise<void> {
    for (let tries = 0; tries < 1200 && this.#server.exitCode === null; tries += 1) {
      if (await fetch(this.url).catch(() => null)) {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`The host did not respond (exit code: ${this.#server.exitCode}).`);
  }
}

async function make(folder: string, kind: Kind): Promise<string[]> {
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder, ...NPM], { cwd: FRONTEND });
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  await cp(join(import.meta.dirname, kind.template), folder, { recursive: true });
  for (const shared of ["chats.tsx", "window.d.ts"]) {
    await cp(join(import.meta.dirname, shared), join(folder, shared));
  }
  const dependencies = { ...kind.dependencies, "chat-sessions-sidebar": `file:${packed?.filename}` };
  const manifest = { name: "host", private: true, type: "module", dependencies };
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest, null, 2));
  await run("npm", ["install", "--ignore-scripts", "--prefer-offline", ...NPM], { cwd: folder });
  return packed?.files.map(({ path }) => path) ?? [];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}
