import { useSyncExternalStore } from "react";
import { useChatSessions } from "./context";

const NONE: ReadonlySet<string> = new Set();

/**
 * The ids of deleted sessions. Everything that shows sessions leaves these out, so a response from before a deletion
 * cannot bring a row back. Ids are never reused.
 */
export class DeletedSessions {
  #ids: ReadonlySet<string> = new Set();
  readonly #byThisPage = new Set<string>();
  readonly #listeners = new Set<() => void>();
  readonly #running = new Set<{ concerns: (id: string) => boolean; reported: string[] }>();

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(ids: Iterable<string>): void {
    const fresh = [...ids].filter((id) => !this.#ids.has(id));
    if (fresh.length > 0) {
      this.#ids = new Set([...this.#ids, ...fresh]);
      for (const listener of this.#listeners) {
        listener();
      }
    }
  }

  /** Adds sessions that the user has deleted on this page. */
  addOwn(ids: Iterable<string>): void {
    const own = [...ids];
    for (const id of own) {
      this.#byThisPage.add(id);
    }
    this.add(own);
  }

  isOwn(id: string): boolean {
    return this.#byThisPage.has(id);
  }

  /**
   * Adds sessions that the feed reports as deleted. Those that this page is deleting right now wait for the end of that
   * deletion, or they would look as if deleted elsewhere.
   */
  addFromFeed(ids: Iterable<string>): void {
    const others = [...ids].filter((id) => {
      const own = [...this.#running].find((deletion) => deletion.concerns(id));
      own?.reported.push(id);
      return !own;
    });
    this.add(others);
  }

  /** Call it before a deletion is sent, and the function that it returns after the result has been handled. */
  begin(concerns: (id: string) => boolean): () => void {
    const deletion = { concerns, reported: [] };
    this.#running.add(deletion);
    return () => {
      this.#running.delete(deletion);
      this.addOwn(deletion.reported);
    };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): ReadonlySet<string> => this.#ids;
}

export function useDeletedIds(): ReadonlySet<string> {
  const { deleted } = useChatSessions();
  return useSyncExternalStore(deleted.subscribe, deleted.snapshot, () => NONE);
}
