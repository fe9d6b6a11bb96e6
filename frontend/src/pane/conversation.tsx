import { type ReactNode, type RefObject, useMemo, useState } from "react";
import type { Message, Session } from "../api/types";
import { useLabels } from "../labels/context";
import { messageParts } from "../messages/message-parts";
import { type Turn, turnsOf } from "../messages/turns";
import { useChatSessions } from "../sessions/context";
import { mintId } from "../sessions/mint-id";
import { Button } from "../ui/button";
import { Composer } from "./composer";
import styles from "./conversation.module.css";
import { type Entry, MessageList } from "./message-list";
import { MessageDrawingProvider, type MessageSlots } from "./message-slots";
import { NotSent } from "./not-sent";
import { ToNewest } from "./to-newest";
import { useEnd } from "./use-end";
import { useMessageBody } from "./use-message-body";
import { useMessages } from "./use-messages";

interface ConversationProps extends MessageSlots {
  session: Session;
  messages: readonly Message[];
  /** What had the focus when the chat was opened. */
  opener: Element | null;
  scroller: RefObject<HTMLElement | null>;
  note?: ReactNode;
  older: { exist: boolean; isLoading: boolean; error: Error | null; load: () => void };
}

export function Conversation(props: ConversationProps) {
  const { session, messages, opener, scroller, note, older, renderMessage } = props;
  const labels = useLabels();
  const { typed } = useChatSessions();
  const [isNew] = useState(messages.length === 0);
  const [focusKey, setFocusKey] = useState(0);
  const { send, edit, outgoing } = useMessages(session, messages);
  const end = useEnd(scroller, messages);
  const Body = useMessageBody(messages);
  const drawing = useMemo(() => ({ Body, renderMessage }), [Body, renderMessage]);
  const stored = useMemo(() => turnsOf(messages).map(storedEntry), [messages]);

  const unsent = outgoing.map(({ message, state }): Entry => {
    const shown = { id: message.id, role: "user", content: message.content, name: null } as unknown as Message;
    const onEdit = () => {
      edit(message);
      setFocusKey((key) => key + 1);
    };
    return {
      id: message.id,
      turn: { message: shown, parts: messageParts(shown) },
      createdAt: null,
      sequence: Number.POSITIVE_INFINITY,
      failure: state !== "sending" && <NotSent error={state ?? null} onRetry={() => send(message)} onEdit={onEdit} />,
    };
  });
  const entries = [...stored, ...unsent];

  return (
    <>
      <section
        ref={scroller}
        className={styles.scroller}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        aria-label={labels.messages}
        onScroll={end.onScroll}
      >
        <div className={styles.column}>
          {older.exist && (
            <div className={styles.older}>
              {older.error && <span>{labels.olderFailed}</span>}
              <Button look="quiet" busy={older.isLoading} onClick={older.load}>
                {older.error ? labels.retry : labels.loadOlder}
              </Button>
            </div>
          )}
          {entries.length === 0 && <p className={styles.empty}>{labels.noMessages}</p>}
          <MessageDrawingProvider value={drawing}>
            <MessageList entries={entries} />
          </MessageDrawingProvider>
        </div>
      </section>
      {!end.isAtEnd && <ToNewest unseen={end.unseen} onClick={end.toEnd} />}
      <Composer
        chat={session.id}
        takesFocusFrom={isNew ? opener : null}
        focusKey={focusKey}
        note={note}
        onSend={(content) => {
          send({ id: mintId(), chat: session.id, content });
          typed.setDraft(session.id, "");
          end.toEnd();
        }}
      />
    </>
  );
}

function storedEntry(turn: Turn): Entry {
  const { id, created_at, sequence } = turn.message;
  return { id, turn, createdAt: created_at, sequence };
}
