import type { Client, Message, NewMessage } from "../shared/client.js";
import { Conversation } from "../shared/conversation.js";
import { fieldsOf } from "../shared/fields.js";

interface BranchNode {
  parentId: string | null;
  message: NewMessage;
}

/**
 * The messages of a thread, which branch with each edit and each regenerated answer. The session stores only the branch
 * that was written to last.
 */
export class Branches {
  readonly #conversation: Conversation;
  readonly #nodes = new Map<string, BranchNode>();
  #head: string | null = null;

  constructor(client: Client, id: string) {
    this.#conversation = new Conversation(client, id);
  }

  async load(): Promise<Message[]> {
    const messages = await this.#conversation.load();
    this.#nodes.clear();
    this.#head = null;
    for (const message of messages) {
      this.#add(this.#head, fieldsOf(message));
    }
    return messages;
  }

  /** Stores the message after its parent, and cuts off what followed the parent before. */
  append(parentId: string | null, message: NewMessage): Promise<void> {
    // A runtime may have messages that are not stored, such as a greeting.
    this.#add(parentId === null || this.#nodes.has(parentId) ? parentId : this.#head, message);
    return this.#conversation.save(this.#branch(message.id));
  }

  /** Replaces a message, or appends it if its append has failed. */
  async update(parentId: string | null, message: NewMessage): Promise<void> {
    const node = this.#nodes.get(message.id);
    if (node && (await this.#conversation.replace(message))) {
      node.message = message;
    } else {
      await this.append(parentId, message);
    }
  }

  #add(parentId: string | null, message: NewMessage): void {
    this.#nodes.set(message.id, { parentId, message });
    this.#head = message.id;
  }

  #branch(id: string): NewMessage[] {
    const branch: NewMessage[] = [];
    for (
      let node = this.#nodes.get(id);
      node;
      node = node.parentId === null ? undefined : this.#nodes.get(node.parentId)
    ) {
      branch.unshift(node.message);
    }
    return branch;
  }
}
