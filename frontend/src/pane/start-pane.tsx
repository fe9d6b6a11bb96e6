import type { ReactNode } from "react";
import { useToasts } from "../feedback/toasts";
import { useLabels } from "../labels/context";
import { mintId } from "../sessions/mint-id";
import { titleFrom } from "../sessions/titles";
import { useCreateSession } from "../sessions/use-create-session";
import styles from "./chat-pane.module.css";
import { Composer } from "./composer";

interface StartPaneProps {
  onStart: (id: string) => void;
  lead?: ReactNode;
  /** Stands below the field for messages. */
  note?: ReactNode;
}

/** No chat is open: the first message makes one. */
export function StartPane({ onStart, lead, note }: StartPaneProps) {
  const labels = useLabels();
  const creation = useCreateSession();
  const { tellFailure } = useToasts();

  const start = (content: string, id = mintId()) =>
    creation.mutate(
      { id, title: titleFrom(content), messages: [{ id: mintId(), role: "user", content }] },
      {
        onSuccess: () => onStart(id),
        onError: (error) =>
          tellFailure({ id: "start", title: labels.startFailed, error, retry: () => start(content, id) }),
      },
    );

  return (
    <section className={styles.pane} aria-label={labels.newChat}>
      <header className={styles.header}>{lead}</header>
      <div className={styles.start}>
        <h1 className={styles.question}>{labels.startQuestion}</h1>
        <Composer isBusy={creation.isPending} note={note} onSend={(content) => start(content)} />
      </div>
    </section>
  );
}
