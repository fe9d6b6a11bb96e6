import type { ReactNode } from "react";
import { useToasts } from "../feedback/toasts";
import { useLabels } from "../labels/context";
import { useChatSessions } from "../sessions/context";
import { NEW_CHAT, type OutgoingMessage } from "../sessions/typed-text";
import { useStartChat } from "../sessions/use-start-chat";
import { ROOT } from "../ui/theme";
import header from "./chat-header.module.css";
import styles from "./chat-pane.module.css";
import { Composer } from "./composer";

export interface StartPaneProps {
  /** The chat was created. Not called if the user has opened another chat meanwhile. */
  onStart: (id: string) => void;
  /** Shown above the question. */
  lead?: ReactNode;
  /** Shown below the message field. */
  note?: ReactNode;
  /** Each new value moves the focus to the field. */
  focusKey?: number;
}

/** Shown while no chat is open. The first message creates one. */
export function StartPane({ onStart, lead, note, focusKey }: StartPaneProps) {
  const labels = useLabels();
  const { typed } = useChatSessions();
  const { notifyFailure, dismiss } = useToasts();
  const { start, isStarting } = useStartChat((error, first) =>
    notifyFailure({ id: "start", title: labels.startFailed, error, retry: () => submit(first) }),
  );
  const submit = (first: OutgoingMessage) => {
    dismiss("start");
    start(first, { onSuccess: () => onStart(first.chat) });
  };

  return (
    <section {...ROOT} className={styles.pane} aria-label={labels.newChat}>
      <header className={header.header}>{lead}</header>
      <div className={styles.start}>
        <h1 className={styles.question}>{labels.startQuestion}</h1>
        <Composer
          draft={NEW_CHAT}
          isBusy={isStarting}
          focusKey={focusKey}
          note={note}
          onSend={(content) => submit(typed.firstMessage(content))}
        />
      </div>
    </section>
  );
}
