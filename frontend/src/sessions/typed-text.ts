import type { Cut } from "../api/cut-messages";
import type { Message } from "../api/types";
import { mintId } from "./mint-id";

/** Where the draft of a chat that does not exist yet is kept. */
export const NEW_CHAT = "";

export interface OutgoingMessage {
  id: string;
  chat: string;
  content: string;
  /** The stored message it replaces. */
  original?: Message;
  /** What to cut before it is sent. */
  cut?: Cut;
  /** It only says the original again. */
  isRepeat?: boolean;
}

interface Kept {
  drafts: ReadonlyMap<string, string>;
  /** By chat, the id of the stored message that is being edited. */
  edits: ReadonlyMap<string, string>;
  outgoing: readonly OutgoingMessage[];
  /** The first message of a new chat, under the ids with which it may have been sent already. */
  first: OutgoingMessage | null;
}

/** Why a message was not sent; "sending" while that is still open. */
export type Sending = "sending" | Error;

const NOTHING: Kept = { drafts: new Map(), edits: new Map(), outgoing: [], first: null };

/** The key of the draft of an edit. No chat has it for an id, because ids contain no spaces. */
export const editOf = (chat: string): string => `edit ${chat}`;

/**
 * What was typed and is not with the service yet: drafts, and messages on their way. It outlives a switch of chats, a
 * failure and a reload, and ends with the browser's tab.
 */
export class TypedText {
  readonly #storedAs: string;
  #kept: Kept;
  #sending: ReadonlyMap<string, Sending> = new Map();
  readonly #listeners = new Set<() => void>();

  constructor(user: string) {
    this.#storedAs = `chat-sessions:typed:${user}`;
    this.#kept = read(this.#storedAs);
  }

  readonly editedIn = (chat: string): string | null => this.#kept.edits.get(chat) ?? null;
  readonly draftOf = (chat: string): string => this.#kept.drafts.get(chat) ?? "";
  readonly outgoing = (): readonly OutgoingMessage[] => this.#kept.outgoing;
  /** A message that is in neither state was typed before the page was loaded again. */
  readonly sending = (): ReadonlyMap<string, Sending> => this.#sending;

  /** Everything that was typed into a chat and is not with the service. */
  textOf(chat: string): string {
    const messages = this.#kept.outgoing.filter((message) => message.chat === chat);
    return joined([...messages.map(({ content }) => content), this.draftOf(editOf(chat)), this.draftOf(chat)]);
  }

  setDraft(chat: string, text: string): void {
    this.#keep({ drafts: withDraft(this.#kept.drafts, chat, text) });
  }

  /** The message is on its way; until it has arrived it is shown beside those that have. */
  send(message: OutgoingMessage): void {
    const isNew = this.#kept.outgoing.every(({ id }) => id !== message.id);
    const outgoing = this.#kept.outgoing.map((before) => (before.id === message.id ? message : before));
    this.#sending = new Map(this.#sending).set(message.id, "sending");
    this.#keep({ outgoing: isNew ? [...outgoing, message] : outgoing });
  }

  failed(id: string, error: Error): void {
    this.#sending = new Map(this.#sending).set(id, error);
    this.#keep({});
  }

  /** It has been stored, or is not to be sent after all. */
  arrived(id: string): void {
    this.#drop(id, this.#kept.drafts);
  }

  /** Back into the field, in front of what was typed since. */
  edit({ id, chat, content }: OutgoingMessage): void {
    this.#drop(id, withDraft(this.#kept.drafts, chat, joined([content, this.draftOf(chat)])));
  }

  beginEdit(chat: string, id: string, text: string): void {
    const drafts = withDraft(this.#kept.drafts, editOf(chat), text);
    this.#keep({ drafts, edits: new Map(this.#kept.edits).set(chat, id) });
  }

  endEdit(chat: string): void {
    this.#keep({ drafts: withDraft(this.#kept.drafts, editOf(chat), ""), edits: without(this.#kept.edits, [chat]) });
  }

  /** The message can no longer be edited: its text goes into the field, before what is there. */
  divertEdit(chat: string): void {
    const text = joined([this.draftOf(editOf(chat)), this.draftOf(chat)]);
    this.endEdit(chat);
    this.setDraft(chat, text);
  }

  /** The same text has the same ids, for its first attempt may have made the chat. */
  firstMessage(content: string): OutgoingMessage {
    const before = this.#kept.first;
    const first = before?.content === content ? before : { id: mintId(), chat: mintId(), content };
    this.#keep({ first });
    return first;
  }

  /** The chat exists, or never will: what is typed next is another one. */
  endFirst(): void {
    this.#keep({ first: null });
  }

  /** What was typed into chats that the user has deleted. */
  forget(chats: Iterable<string>): void {
    const gone = [...chats];
    const drafts = without(this.#kept.drafts, [...gone, ...gone.map(editOf)]);
    const outgoing = this.#kept.outgoing.filter(({ chat }) => !gone.includes(chat));
    this.#keep({ drafts, edits: without(this.#kept.edits, gone), outgoing });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #drop(dropped: string, drafts: Kept["drafts"]): void {
    this.#sending = new Map([...this.#sending].filter(([id]) => id !== dropped));
    this.#keep({ drafts, outgoing: this.#kept.outgoing.filter(({ id }) => id !== dropped) });
  }

  #keep(change: Partial<Kept>): void {
    this.#kept = { ...this.#kept, ...change };
    write(this.#storedAs, this.#kept);
    for (const listener of this.#listeners) {
      listener();
    }
  }
}

function joined(texts: string[]): string {
  return texts.filter((text) => text !== "").join("\n\n");
}

function withDraft(drafts: Kept["drafts"], chat: string, text: string): Kept["drafts"] {
  const changed = new Map(drafts).set(chat, text);
  if (text === "") {
    changed.delete(chat);
  }
  return changed;
}

function without(texts: ReadonlyMap<string, string>, dropped: readonly string[]): ReadonlyMap<string, string> {
  const left = new Map(texts);
  for (const key of dropped) {
    left.delete(key);
  }
  return left;
}

function read(key: string): Kept {
  try {
    const stored = JSON.parse(sessionStorage.getItem(key) ?? "null");
    return stored ? { ...stored, drafts: new Map(stored.drafts), edits: new Map(stored.edits) } : NOTHING;
  } catch {
    // Rendered on a server, or by a browser that keeps nothing.
    return NOTHING;
  }
}

function write(key: string, kept: Kept): void {
  try {
    sessionStorage.setItem(key, JSON.stringify({ ...kept, drafts: [...kept.drafts], edits: [...kept.edits] }));
  } catch {
    // Full, or forbidden: it is kept for as long as the page is.
  }
}
