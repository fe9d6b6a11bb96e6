/** The pool of Postgres connections. */
import pg from "pg";
import { Statement } from "./statement.mjs";

/** How long a connection stays out of pg's pool, which closes those that it has kept for ten seconds. */
const KEPT_MS = 1_000;

/** A `pg.Pool` that is quicker: its own check-out and check-in take longer than sending a query. */
export class Pool extends pg.Pool {
  /** Connections between two queries, the last used at the end. To pg's pool they are checked out. */
  #kept = [];
  #returning;

  constructor(options) {
    super(options);
    this.on("connect", (client) => client.on("error", (error) => this.#drop(client, error)));
  }

  async connect() {
    return this.#kept.pop() ?? super.connect();
  }

  query(config, values) {
    const kept = this.#kept.pop();
    return kept ? this.#run(kept, config, values) : super.connect().then((client) => this.#run(client, config, values));
  }

  #run(client, config, values) {
    return new Promise((resolve, reject) => {
      const settle = (error, result) => {
        this.#keep(client, error);
        if (error) reject(error);
        else resolve(result);
      };
      if (config.name) client.query(new Statement(config, settle));
      else client.query(config, values, settle);
    });
  }

  /** A query that failed may have broken its connection: it is closed. */
  #keep(client, error) {
    if (error || this.ending || this.waitingCount > 0) return client.release(error);
    this.#kept.push(client);
    this.#returning ??= setTimeout(() => this.#returnAll(), KEPT_MS);
  }

  #returnAll() {
    clearTimeout(this.#returning);
    this.#returning = undefined;
    for (const client of this.#kept.splice(0)) client.release();
  }

  #drop(client, error) {
    const kept = this.#kept.filter((each) => each !== client);
    if (kept.length === this.#kept.length) return;
    this.#kept = kept;
    client.release(error);
  }

  get idleCount() {
    return super.idleCount + this.#kept.length;
  }

  end() {
    const ended = super.end();
    this.#returnAll();
    return ended;
  }
}
