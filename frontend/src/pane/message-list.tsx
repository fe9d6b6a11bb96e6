import { type ReactNode, useState } from "react";
import { useLabels } from "../labels/context";
import { textOf } from "../messages/message-parts";
import type { Turn } from "../messages/turns";
import { CopyButton } from "../ui/copy-button";
import styles from "./conversation.module.css";
import { MessageItem } from "./message-item";

/** A message in the list, with its actions. */
export interface Entry {
  id: string;
  turn: Turn;
  createdAt: string | null;
  /** Infinity until the service has assigned one. */
  sequence: number;
  /** Sending the edit will remove it. */
  isReplaced?: boolean;
  failure?: ReactNode;
  actions?: ReactNode;
}

/**
 * Two lists, but only the second is a log: screen readers announce new messages, but neither those that were there when
 * the chat opened nor older ones loaded later.
 */
export function MessageList({ entries }: { entries: readonly Entry[] }) {
  const labels = useLabels();
  const newest = entries.findLast(({ createdAt }) => createdAt !== null)?.sequence ?? -1;
  const [known, setKnown] = useState(newest);
  if (newest < known) {
    // Messages were cut off, so their successors are new.
    setKnown(newest);
  }
  const listed = entries.map((entry, index) => (
    <Listed key={entry.id} entry={entry} continues={isContinued(entries[index - 1], entry)} />
  ));
  const split = entries.filter(({ sequence }) => sequence <= known).length;
  return (
    <div className={styles.messages}>
      {split > 0 && <ol className={styles.list}>{listed.slice(0, split)}</ol>}
      <div className={styles.log} role="log" aria-label={labels.messages} aria-relevant="additions">
        {split < entries.length && <ol className={styles.list}>{listed.slice(split)}</ol>}
      </div>
    </div>
  );
}

function Listed({ entry, continues }: { entry: Entry; continues: boolean }) {
  const labels = useLabels();
  const text = textOf(entry.turn.parts);
  const actions = (text !== "" || entry.actions) && (
    <>
      {text !== "" && <CopyButton label={labels.copyMessage} text={text} />}
      {entry.actions}
    </>
  );
  const { turn, createdAt, isReplaced, failure } = entry;
  return <MessageItem {...{ turn, createdAt, continues, isReplaced, failure, actions }} />;
}

function isContinued(before: Entry | undefined, { turn: { message } }: Entry): boolean {
  return before?.turn.message.role === message.role && before.turn.message.name === message.name;
}
