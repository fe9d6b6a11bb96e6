import { type ReactNode, type RefObject, useMemo, useState } from "react";
import type { Message, Session } from "../api/types";
import { useLabels } from "../labels/context";
import { turnsOf } from "../messages/turns";
import { useChatSessions } from "../sessions/context";
import { mintId } from "../sessions/mint-id";
import { editOf } from "../sessions/typed-text";
import { Composer } from "./composer";
import styles from "./conversation.module.css";
import { EditBanner } from "./edit-banner";
import { MessageList } from "./message-list";
import { type MessageRendering, MessageRenderingProvider, type MessageSlots } from "./message-slots";
import { type Older, OlderMessages } from "./older-messages";
import { ToNewest } from "./to-newest";
import { useEnd } from "./use-end";
import { useEntries } from "./use-entries";
import { useMessages } from "./use-messages";
import { useResend } from "./use-resend";

interface ConversationProps extends MessageRendering, MessageSlots {
  session: Session;
  messages: readonly Message[];
  /** What had the focus when the chat was opened. */
  opener: Element | null;
  scroller: RefObject<HTMLElement | null>;
  note?: ReactNode;
  older: Older;
}

export function Conversation(props: ConversationProps) {
  const { session, messages, opener, scroller, note, older, Body, renderMessage, onRegenerate } = props;
  const labels = useLabels();
  const { typed } = useChatSessions();
  const [isNew] = useState(messages.length === 0);
  const [focusKey, setFocusKey] = useState(0);
  const focusField = () => setFocusKey((key) => key + 1);
  const end = useEnd(scroller, messages);
  const rendering = useMemo(() => ({ Body, renderMessage }), [Body, renderMessage]);
  const turns = useMemo(() => turnsOf(messages), [messages]);
  const { send, edit, outgoing } = useMessages(session, messages);
  const again = useResend(session.id, messages, turns, send);

  const regenerate = () => {
    if (onRegenerate && again.question) {
      onRegenerate(again.question.message);
    } else {
      again.regenerate();
    }
    end.toEnd();
  };
  const sendText = (content: string) => {
    if (again.isEditing) {
      again.sendEdit(content);
    } else {
      send({ id: mintId(), chat: session.id, content });
      typed.setDraft(session.id, "");
    }
    end.toEnd();
  };
  const cancelEdit = () => {
    again.cancel();
    focusField();
  };
  const entries = useEntries({
    turns,
    outgoing,
    question: again.question,
    isEditing: again.isEditing,
    onEdit: (text) => {
      again.edit(text);
      focusField();
    },
    onRegenerate: again.isAnswered ? regenerate : null,
    onRetry: again.retry,
    onEditUnsent: (message) => {
      if (!again.editAgain(message)) {
        edit(message);
      }
      focusField();
    },
  });

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
          <OlderMessages {...older} />
          {entries.length === 0 && <p className={styles.empty}>{labels.noMessages}</p>}
          <MessageRenderingProvider value={rendering}>
            <MessageList entries={entries} />
          </MessageRenderingProvider>
        </div>
      </section>
      {!end.isAtEnd && <ToNewest unseen={end.unseen} onClick={end.toEnd} />}
      <Composer
        draft={again.isEditing ? editOf(session.id) : session.id}
        banner={again.isEditing && <EditBanner onCancel={cancelEdit} />}
        label={again.isEditing ? labels.editMessage : labels.message}
        takesFocusFrom={isNew ? opener : null}
        focusKey={focusKey}
        note={note}
        onSend={sendText}
      />
    </>
  );
}
