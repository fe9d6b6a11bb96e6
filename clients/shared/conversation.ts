import { bodyOf, type Client, type Message, type NewMessage } from "./client.js";
import { ChatSessionsError } from "./connection.js";
import { isSame, isShown } from "./fields.js";

const MESSAGES = "/api/chat/sessions/{session_id}/messages";
const SESSION = "/api/chat/sessions/{session_id}";
const PAGE = 200;
const MAX_BATCH = 100;
// The service accepts at most 20,000 JSON values per request.
const MAX_BATCH_LENGTH = 200_000;
const ATTEMPTS = 3;

/**
 * The messages of a session as last loaded or stored here. Writes never cut off messages that other writers have appended,
 * and never append an answer to a question that they have cut off.
 */
export class Conversation {
  readonly #client: Client;
  readonly #params: { path: { session_id: string } };
  #known: Message[] | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(client: Client, id: string) {
    this.#client = client;
    this.#params = { path: { session_id: id } };
  }

  load(): Promise<Message[]> {
    return this.#inTurn(async () => {
      this.#known = await this.#readAll();
      return this.#known.filter(isShown);
    });
  }

  /** The messages as last loaded or stored. */
  known(): Promise<Message[]> {
    return this.#known ? Promise.resolve(this.#known.filter(isShown)) : this.load();
  }

  /** Makes these the stored messages: replaces those that have changed, cuts off the rest, and appends new ones. */
  save(messages: NewMessage[]): Promise<void> {
    return this.#inTurn(async () => {
      this.#known ??= await this.#readAll();
      const { common, kept } = beginningOf(this.#known, messages);
      for (const message of messages.slice(0, common)) {
        await this.#replace(message);
      }
      if (kept < this.#known.length) {
        await this.#cut(kept);
      }
      for (const batch of batchesOf(messages.slice(common))) {
        await this.#append(batch);
      }
    });
  }

  /** Replaces one message and keeps those after it. False if the message was not loaded or stored here. */
  replace(message: NewMessage): Promise<boolean> {
    return this.#inTurn(() => this.#replace(message));
  }

  /** Runs one task at a time, since each write depends on the previous one. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }

  async #replace(message: NewMessage): Promise<boolean> {
    const index = this.#known?.findIndex(({ id }) => id === message.id) ?? -1;
    const known = this.#known?.[index];
    if (!this.#known || !known) {
      return false;
    }
    if (!isSame(known, message)) {
      const params = { path: { ...this.#params.path, message_id: message.id } };
      this.#known[index] = bodyOf(await this.#client.PUT(`${MESSAGES}/{message_id}`, { params, body: message }));
    }
    return true;
  }

  /** Retries a failed precondition: a rename also changes the ETag. */
  async #cut(kept: number): Promise<void> {
    const known = this.#known ?? [];
    const from = known[kept]?.sequence ?? 0;
    for (let attempt = 1; ; attempt++) {
      const { newest, etag } = await this.#end();
      if (newest && newest.sequence >= from) {
        if (newest.id !== known.at(-1)?.id || newest.sequence - from !== known.length - kept - 1) {
          throw conversationChanged();
        }
        const query = { from_sequence: from };
        const params = { ...this.#params, query, header: { "If-Match": etag } };
        const done = await unlessPrecondition(this.#client.DELETE(MESSAGES, { params }));
        if (!done && attempt < ATTEMPTS) {
          continue;
        }
        if (!done) {
          throw conversationChanged();
        }
      }
      known.length = kept;
      return;
    }
  }

  async #append(messages: NewMessage[]): Promise<void> {
    const known = this.#known ?? [];
    const parent = known.at(-1);
    if (parent && messages[0]?.role === "assistant") {
      known.push(...(await this.#answer(parent, messages)));
    } else {
      const done = await this.#client.POST(MESSAGES, { params: this.#params, body: { messages } });
      known.push(...bodyOf(done).messages);
    }
  }

  /** Appends only if the question still exists: it may have been cut off, and its sequence reused. */
  async #answer(question: Message, messages: NewMessage[]): Promise<Message[]> {
    let after = question.sequence;
    for (let attempt = 1; attempt <= ATTEMPTS && (await this.#isStored(question)); attempt++) {
      const body = { messages, after_sequence: after };
      const done = await unlessPrecondition(this.#client.POST(MESSAGES, { params: this.#params, body }));
      if (done) {
        return bodyOf(done).messages;
      }
      after = (await this.#end()).newest?.sequence ?? -1;
    }
    throw conversationChanged();
  }

  async #isStored(message: Message): Promise<boolean> {
    const query = { limit: 1, before_sequence: message.sequence + 1 };
    const page = bodyOf(await this.#client.GET(SESSION, { params: { ...this.#params, query } }));
    return page.messages.at(-1)?.id === message.id;
  }

  async #end(): Promise<{ newest: Message | undefined; etag: string }> {
    const result = await this.#client.GET(SESSION, { params: { ...this.#params, query: { limit: 1 } } });
    return { newest: bodyOf(result).messages.at(-1), etag: result.response.headers.get("ETag") ?? "*" };
  }

  async #readAll(): Promise<Message[]> {
    const pages: Message[][] = [];
    for (let before: number | undefined; ; ) {
      const query = { limit: PAGE, ...(before !== undefined && { before_sequence: before }) };
      const page = bodyOf(await this.#client.GET(SESSION, { params: { ...this.#params, query } }));
      pages.unshift(page.messages);
      if (!page.has_more_messages || page.oldest_sequence === null) {
        return pages.flat();
      }
      before = page.oldest_sequence;
    }
  }
}

function conversationChanged(): ChatSessionsError {
  const message = "The conversation has changed elsewhere. Load it again.";
  return new ChatSessionsError(message, { status: 412, type: "urn:chat-sessions:end-moved" });
}

/** Undefined if a precondition failed. */
async function unlessPrecondition<T>(response: Promise<T>): Promise<T | undefined> {
  try {
    return await response;
  } catch (error) {
    if (error instanceof ChatSessionsError && error.status === 412) {
      return undefined;
    }
    throw error;
  }
}

/** The length of the common prefix: in shown messages, and in stored ones including those that are not shown. */
function beginningOf(known: Message[], messages: NewMessage[]): { common: number; kept: number } {
  let common = 0;
  let kept = 0;
  for (const message of known) {
    if (isShown(message) && message.id !== messages[common]?.id) {
      break;
    }
    common += isShown(message) ? 1 : 0;
    kept += 1;
  }
  return { common, kept };
}

/** Splits messages to fit the limits of a request. An oversized message goes alone, so that the others are stored. */
function batchesOf(messages: NewMessage[]): NewMessage[][] {
  const batches: NewMessage[][] = [];
  let length = 0;
  for (const message of messages) {
    const own = JSON.stringify(message).length;
    const batch = batches.at(-1);
    if (batch && batch.length < MAX_BATCH && length + own <= MAX_BATCH_LENGTH) {
      batch.push(message);
      length += own;
    } else {
      batches.push([message]);
      length = own;
    }
  }
  return batches;
}
