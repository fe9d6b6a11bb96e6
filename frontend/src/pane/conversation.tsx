import { type ReactNode, type RefObject, useState } from "react";
import type { Message, Session } from "../api/types";
import { useLabels } from "../labels/context";
import { mintId } from "../sessions/mint-id";
import { useDraft } from "../sessions/use-typed-text";
import { Button } from "../ui/button";
import { Composer } from "./composer";
import styles from "./conversation.module.css";
import { MessageItem } from "./message-item";
import { OutgoingItem } from "./outgoing-item";
import { useMessages } from "./use-messages";

interface ConversationProps {
  session: Session;
  messages: readonly Message[];
  /** What had the focus when the chat was opened. */
  opener: Element | null;
  scroller: RefObject<HTMLElement | null>;
  note?: ReactNode;
  older: { exist: boolean; isLoading: boolean; error: Error | null; load: () => void };
}

export function Conversation({ session, messages, opener, scroller, note, older }: ConversationProps) {
  const labels = useLabels();
  const [isNew] = useState(messages.length === 0);
  const [focusKey, setFocusKey] = useState(0);
  const [, setDraft] = useDraft(session.id);
  const { send, edit, outgoing } = useMessages(session, messages);

  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section ref={scroller} className={styles.scroller} tabIndex={0} aria-label={labels.messages}>
        <div className={styles.column}>
          {older.exist && (
            <div className={styles.older}>
              {older.error && <span>{labels.olderFailed}</span>}
              <Button look="quiet" busy={older.isLoading} onClick={older.load}>
                {older.error ? labels.retry : labels.loadOlder}
              </Button>
            </div>
          )}
          {messages.length === 0 && outgoing.length === 0 && <p className={styles.empty}>{labels.noMessages}</p>}
          <ol className={styles.messages}>
            {messages.map((message) => (
              <MessageItem key={message.sequence} message={message} />
            ))}
            {outgoing.map(({ message, state }) => (
              <OutgoingItem
                key={message.id}
                message={message}
                state={state}
                onRetry={() => send(message)}
                onEdit={() => {
                  edit(message);
                  setFocusKey((key) => key + 1);
                }}
              />
            ))}
          </ol>
        </div>
      </section>
      <Composer
        chat={session.id}
        takesFocusFrom={isNew ? opener : null}
        focusKey={focusKey}
        note={note}
        onSend={(content) => {
          send({ id: mintId(), chat: session.id, content });
          setDraft("");
        }}
      />
    </>
  );
}
