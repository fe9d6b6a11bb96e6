import { type ReactNode, useState } from "react";
import type { Message, Session } from "../api/types";
import { useToasts } from "../feedback/toasts";
import { useLabels } from "../labels/context";
import { mintId } from "../sessions/mint-id";
import { titleFrom } from "../sessions/titles";
import { type OutgoingMessage, useAppendMessage } from "../sessions/use-append-message";
import { useChangeSession } from "../sessions/use-change-session";
import { Button } from "../ui/button";
import { Composer } from "./composer";
import styles from "./conversation.module.css";
import { MessageItem } from "./message-item";

interface ConversationProps {
  session: Session;
  messages: readonly Message[];
  /** What had the focus when the chat was opened. */
  opener: Element | null;
  note?: ReactNode;
  older: { exist: boolean; isLoading: boolean; error: Error | null; load: () => void };
}

export function Conversation({ session, messages, opener, note, older }: ConversationProps) {
  const labels = useLabels();
  const [outgoing, setOutgoing] = useState<OutgoingMessage | null>(null);
  const [isNew] = useState(messages.length === 0);
  const append = useAppendMessage(session.id);
  const change = useChangeSession();
  const { tellFailure } = useToasts();
  const isStored = outgoing !== null && messages.some((message) => message.id === outgoing.id);

  const send = (message: OutgoingMessage) => {
    setOutgoing(message);
    append.mutate(message, {
      onSuccess: () => setOutgoing(null),
      onError: (error) =>
        tellFailure({
          id: `send ${message.id}`,
          title: labels.sendFailed,
          error,
          retry: () => send(message),
        }),
    });
    if (session.title === null && messages.length === 0) {
      change.mutate({ session, change: { title: titleFrom(message.content) } });
    }
  };

  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className={styles.scroller} tabIndex={0} aria-label={labels.messages}>
        <div className={styles.column}>
          {older.exist && (
            <div className={styles.older}>
              {older.error && <span>{labels.olderFailed}</span>}
              <Button look="quiet" busy={older.isLoading} onClick={older.load}>
                {older.error ? labels.retry : labels.loadOlder}
              </Button>
            </div>
          )}
          {messages.length === 0 && !outgoing && <p className={styles.empty}>{labels.noMessages}</p>}
          <ol className={styles.messages}>
            {messages.map((message) => (
              <MessageItem key={message.sequence} message={message} />
            ))}
            {outgoing && !isStored && (
              <MessageItem
                message={{ role: "user", content: outgoing.content, name: null, created_at: null }}
                isUnsent
                failure={
                  append.isError && (
                    <>
                      {labels.notSent}{" "}
                      <Button look="quiet" onClick={() => send(outgoing)}>
                        {labels.retry}
                      </Button>
                      <Button look="quiet" onClick={() => setOutgoing(null)}>
                        {labels.discard}
                      </Button>
                    </>
                  )
                }
              />
            )}
          </ol>
        </div>
      </section>
      <Composer
        takesFocusFrom={isNew ? opener : null}
        isBusy={append.isPending}
        note={note}
        onSend={(content) => send({ id: mintId(), content })}
      />
    </>
  );
}
