import type { Cut } from "../api/cut-messages";
import type { Message } from "../api/types";
import { mintId } from "./mint-id";

/** The key of the draft for a new chat. */
export const NEW_CHAT = "";

export interface OutgoingMessage {
  id: string;
  chat: string;
  content: string;
  /** The stored message it replaces. */
  original?: Message;
  /** Cut the conversation here before sending it. */
  cut?: Cut;
  /** It repeats the original, to regenerate the answer. */
  isRepeat?: boolean;
}

interface Kept {
  drafts: ReadonlyMap<string, string>;
  /** The id of the stored message that is being edited, by chat. */
  edits: ReadonlyMap<string, string>;
  outgoing: readonly OutgoingMessage[];
  /** The first message of a new chat, with the ids of its first attempt. */
  first: OutgoingMessage | null;
}

/** "sending", or the error of a message that could not be sent. */
export type Sending = "sending" | Error;

const NOTHING: Kept = { drafts: new Map(), edits: new Map(), outgoing: [], first: null };

/** The key of the draft of an edit. It cannot be the id of a chat, since ids contain no spaces. */
export const editOf = (chat: string): string => `edit ${chat}`;

/**
 * What the user typed and the service has not stored yet: drafts and outgoing messages. It survives a change of chats, a
 * failure and a reload, until the browser tab is closed.
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
  /** An outgoing message without a state is from before a reload. */
  readonly sending = (): ReadonlyMap<string, Sending> => this.#sending;

  /** Everything that was typed into a chat and is not stored. */
  textOf(chat: string): string {
    const messages = this.#kept.outgoing.filter((message) => message.chat === chat);
    return joined([...messages.map(({ content }) => content), this.draftOf(editOf(chat)), this.draftOf(chat)]);
  }

  setDraft(chat: string, text: string): void {
    this.#keep({ drafts: withDraft(this.#kept.drafts, chat, text) });
  }

  /** Marks a message as being sent. It is shown with the stored messages until it is one of them. */
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

  /** Removes a message that was stored, or will not be sent. */
  remove(id: string): void {
    this.#drop(id, this.#kept.drafts);
  }

  /** Moves a message back into the draft, before what was typed since. */
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

  /** Turns the edit of a message that no longer exists into a draft, before what was typed there. */
  moveEditToDraft(chat: string): void {
    const text = joined([this.draftOf(editOf(chat)), this.draftOf(chat)]);
    this.endEdit(chat);
    this.setDraft(chat, text);
  }

  /** Returns the first message of a new chat. The same text keeps its ids, since an earlier attempt may have been stored. */
  firstMessage(content: string): OutgoingMessage {
    const before = this.#kept.first;
    const first = before?.content === content ? before : { id: mintId(), chat: mintId(), content };
    this.#keep({ first });
    return first;
  }

  /** The chat was created, or cannot be: the next first message gets new ids. */
  endFirst(): void {
    this.#keep({ first: null });
  }

  /** Forgets what was typed into deleted chats. */
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
    // There is no storage: on a server, or in a browser that blocks it.
    return NOTHING;
  }
}

function write(key: string, kept: Kept): void {
  try {
    sessionStorage.setItem(key, JSON.stringify({ ...kept, drafts: [...kept.drafts], edits: [...kept.edits] }));
  } catch {
    // If storage is full or blocked, the text lasts until the page is closed.
  }
}
