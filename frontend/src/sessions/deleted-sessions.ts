import { useSyncExternalStore } from "react";
import { useChatSessions } from "./context";

const NONE: ReadonlySet<string> = new Set();

/**
 * The ids that are known to be deleted. No id is ever used again, so an answer that was on its way before the
 * deletion cannot bring its row back: whoever shows sessions leaves these out.
 */
export class DeletedSessions {
  #ids: ReadonlySet<string> = new Set();
  readonly #byThisPage = new Set<string>();
  readonly #listeners = new Set<() => void>();
  readonly #ours = new Set<{ concerns: (id: string) => boolean; told: string[] }>();

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

  /** The user has deleted them on this page. */
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

  /** The feed says so. What this page itself is deleting waits for `end`, or it would look like somebody else's work. */
  addFromFeed(ids: Iterable<string>): void {
    const others = [...ids].filter((id) => {
      const ours = [...this.#ours].find((deletion) => deletion.concerns(id));
      ours?.told.push(id);
      return !ours;
    });
    this.add(others);
  }

  /** To be called before a deletion is sent; the answer is to be called after its result has been dealt with. */
  begin(concerns: (id: string) => boolean): () => void {
    const deletion = { concerns, told: [] };
    this.#ours.add(deletion);
    return () => {
      this.#ours.delete(deletion);
      this.addOwn(deletion.told);
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
