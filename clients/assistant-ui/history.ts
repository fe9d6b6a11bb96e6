import {
  type MessageFormatAdapter,
  type MessageFormatItem,
  type RuntimeAdapters,
  type ThreadHistoryAdapter,
  useAui,
} from "@assistant-ui/react";
import { useEffect, useMemo, useRef } from "react";
import type { Client, Message } from "../shared/client.js";
import { Branches } from "./branches.js";
import { type Codec, formatted, threadMessages } from "./codecs.js";

interface ThreadListItem {
  getState(): { remoteId: string | undefined };
  initialize(): Promise<{ remoteId: string }>;
}

/** The message histories of all opened threads. */
export class Histories {
  readonly #client: Client;
  readonly #threads = new Map<string, Branches>();

  constructor(client: Client) {
    this.#client = client;
  }

  forget(id: string): void {
    this.#threads.delete(id);
  }

  /** A hook that assistant-ui calls for each open thread. */
  useAdapters(): RuntimeAdapters {
    const aui = useAui();
    const latest = useRef(aui);
    useEffect(() => {
      latest.current = aui;
    });
    return useMemo(() => ({ history: this.#historyOf(() => latest.current.threadListItem) }), []);
  }

  #historyOf(thread: () => ThreadListItem): ThreadHistoryAdapter {
    return {
      ...this.#coded(thread, threadMessages),
      withFormat: <T, S extends Record<string, unknown>>(format: MessageFormatAdapter<T, S>) =>
        this.#coded(thread, formatted(format)),
    };
  }

  #coded<T>(thread: () => ThreadListItem, codec: Codec<T>) {
    const opened = async () => this.#branchesOf((await thread().initialize()).remoteId);
    return {
      load: async () => {
        const { remoteId } = thread().getState();
        const messages = remoteId === undefined ? [] : await this.#branchesOf(remoteId).load();
        return repositoryOf(messages, codec);
      },
      append: async (item: MessageFormatItem<T>) => (await opened()).append(item.parentId, codec.encode(item)),
      update: async (item: MessageFormatItem<T>) => (await opened()).update(item.parentId, codec.encode(item)),
    };
  }

  #branchesOf(id: string): Branches {
    const known = this.#threads.get(id) ?? new Branches(this.#client, id);
    this.#threads.set(id, known);
    return known;
  }
}

function repositoryOf<T>(messages: Message[], codec: Codec<T>) {
  const items = messages.map((message, index) => codec.decode(message, messages[index - 1]?.id ?? null));
  return { headId: messages.at(-1)?.id ?? null, messages: items };
}
