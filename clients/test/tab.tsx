import {
  type AssistantRuntime,
  AssistantRuntimeProvider,
  type ChatModelAdapter,
  type RemoteThreadListAdapter,
  useLocalRuntime,
  useRemoteThreadListRuntime,
} from "@assistant-ui/react";
import { render, waitFor } from "@testing-library/react";
import { createThreadListAdapter, type ThreadListOptions } from "chat-sessions-assistant-ui";
import { expect } from "vitest";
import { connectionOf } from "./service.js";

/** A model that answers with the number of the answer and the text of the question. */
export function counting(): ChatModelAdapter {
  let answers = 0;
  return {
    async *run({ messages }) {
      answers += 1;
      const content = messages.at(-1)?.content[0];
      yield { content: [{ type: "text", text: `${answers}` }] };
      yield { content: [{ type: "text", text: `${answers}: ${content?.type === "text" ? content.text : ""}` }] };
    },
  };
}

interface TabProps {
  adapter: RemoteThreadListAdapter;
  useThread: () => AssistantRuntime;
  onRuntime: (runtime: AssistantRuntime) => void;
}

function Tab({ adapter, useThread, onRuntime }: TabProps) {
  const runtime = useRemoteThreadListRuntime({ adapter, runtimeHook: useThread });
  onRuntime(runtime);
  return <AssistantRuntimeProvider runtime={runtime}>{null}</AssistantRuntimeProvider>;
}

export type TabOptions = Partial<ThreadListOptions> & { model?: ChatModelAdapter; useThread?: () => AssistantRuntime };

/** Opens a tab with the chats of a user. */
export async function tabOf(user: string, options: TabOptions = {}): Promise<Tested> {
  const { model = counting(), useThread = () => useLocalRuntime(model), ...connection } = options;
  const { adapter, listed } = listing(createThreadListAdapter({ ...connectionOf(user), ...connection }));
  const opened = await new Promise<Tested>((resolve) => {
    const onRuntime = (runtime: AssistantRuntime) => resolve(new Tested(runtime));
    render(<Tab adapter={adapter} useThread={useThread} onRuntime={onRuntime} />);
  });
  await listed;
  await until(() => !opened.runtime.threads.getState().isLoading);
  return opened;
}

/** The adapter, and a promise of its first list. */
function listing(adapter: RemoteThreadListAdapter) {
  const { promise: listed, resolve } = Promise.withResolvers<void>();
  const list = (options?: { after?: string | undefined }) => adapter.list(options).finally(resolve);
  return { adapter: { ...adapter, list }, listed };
}

export const until = (condition: () => unknown) => waitFor(() => expect(condition()).toBeTruthy(), { timeout: 60_000 });

export class Tested {
  readonly runtime: AssistantRuntime;

  constructor(runtime: AssistantRuntime) {
    this.runtime = runtime;
  }

  get messages() {
    return this.runtime.thread.getState().messages;
  }

  /** The messages of the open thread, as text. */
  get shown(): string[] {
    return this.messages.map(({ content }) =>
      content.map((part) => (part.type === "text" ? part.text : part.type)).join(),
    );
  }

  get id(): string {
    return this.runtime.threads.mainItem.getState().remoteId ?? "";
  }

  /** The titles in the list, or the ids of threads that have none. */
  get threads(): string[] {
    const { threadIds, threadItems } = this.runtime.threads.getState();
    return threadIds.map((id) => threadItems[id]?.title ?? id);
  }

  get archived(): readonly string[] {
    const { archivedThreadIds, threadItems } = this.runtime.threads.getState();
    return archivedThreadIds.map((id) => threadItems[id]?.title ?? id);
  }

  item(id: string) {
    return this.runtime.threads.getItemById(id);
  }

  async send(text: string): Promise<void> {
    this.runtime.thread.append(text);
    await this.shows((texts) => texts.at(-1)?.endsWith(`: ${text}`));
  }

  async edit(index: number, text: string): Promise<void> {
    const { composer } = this.runtime.thread.getMessageByIndex(index);
    composer.beginEdit();
    composer.setText(text);
    composer.send();
    await this.shows((texts) => texts.at(-1)?.endsWith(`: ${text}`));
  }

  async regenerate(index: number): Promise<void> {
    const before = this.shown[index];
    this.runtime.thread.getMessageByIndex(index).reload();
    await this.shows((texts) => texts.length === index + 1 && texts[index]?.includes(": ") && texts[index] !== before);
  }

  async open(id: string): Promise<void> {
    await this.runtime.threads.switchToThread(id);
    await until(() => this.id === id && !this.runtime.thread.getState().isLoading);
  }

  async shows(condition: (texts: string[]) => unknown): Promise<void> {
    await until(() => !this.runtime.thread.getState().isRunning && condition(this.shown));
  }
}
