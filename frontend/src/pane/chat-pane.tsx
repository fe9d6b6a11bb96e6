import { type ReactNode, useRef, useState } from "react";
import "../ui/tokens.css";
import { isSessionNotFound } from "../api/problem";
import { useLabels } from "../labels/context";
import { useChatSessions } from "../sessions/context";
import { titleOf } from "../sessions/titles";
import { useSession } from "../sessions/use-session";
import { ErrorBoundary } from "../ui/error-boundary";
import { ROOT } from "../ui/theme";
import { useFocusKeeper } from "../ui/use-focus-keeper";
import { ChatHeader } from "./chat-header";
import header from "./chat-header.module.css";
import styles from "./chat-pane.module.css";
import { Conversation } from "./conversation";
import type { MessageSlots } from "./message-slots";
import { Broken, Failed, Gone, Loading, NotFound } from "./pane-states";
import { useMessageBody } from "./use-message-body";

export interface ChatPaneProps extends MessageSlots {
  id: string;
  /** Called when the user closes a chat that no longer exists, or deletes the chat here. */
  onLeave: () => void;
  /** The URL of a chat. If given, the header has a button that copies it. */
  hrefOf?: ((id: string) => string) | undefined;
  /** Shown before the title. */
  lead?: ReactNode;
  /** Shown below the message field. */
  note?: ReactNode;
}

/** The open chat: its messages, and a field to write one. */
export function ChatPane(props: ChatPaneProps) {
  const labels = useLabels();
  return (
    <ErrorBoundary
      key={props.id}
      fallback={(_, retry) => (
        <section {...ROOT} className={styles.pane} aria-label={labels.chat}>
          <header className={header.header}>{props.lead}</header>
          <Broken onRetry={retry} />
        </section>
      )}
    >
      <Pane {...props} />
    </ErrorBoundary>
  );
}

function Pane({ id, onLeave, hrefOf, lead, note, renderMessage, onRegenerate }: ChatPaneProps) {
  const labels = useLabels();
  const { deleted } = useChatSessions();
  const [opener] = useState(() => (typeof document === "undefined" ? null : document.activeElement));
  const { session, messages, isDeleted, ...query } = useSession(id);
  const pane = useRef<HTMLElement>(null);
  const scroller = useRef<HTMLElement>(null);
  const { Body, isLoading } = useMessageBody(messages);
  useFocusKeeper(pane, () => (scroller.current ?? pane.current)?.focus());
  const isMissing = isSessionNotFound(query.error);
  const content = () => {
    if (isDeleted || (isMissing && session)) {
      const title = session && titleOf(session, labels);
      return <Gone chat={id} title={title} isOwn={deleted.isOwn(id)} onLeave={onLeave} />;
    }
    if (session && !isLoading) {
      return (
        <Conversation
          session={session}
          messages={messages}
          opener={opener}
          scroller={scroller}
          note={note}
          Body={Body}
          renderMessage={renderMessage}
          onRegenerate={onRegenerate}
          older={{
            exist: query.hasNextPage,
            isLoading: query.isFetchingNextPage,
            error: query.isFetchNextPageError ? query.error : null,
            load: () => query.fetchNextPage(),
          }}
        />
      );
    }
    if (isMissing) {
      return <NotFound chat={id} onLeave={onLeave} />;
    }
    return query.error ? (
      <Failed error={query.error} isRetrying={query.isFetching} onRetry={() => query.refetch()} />
    ) : (
      <Loading />
    );
  };
  return (
    <section {...ROOT} ref={pane} className={styles.pane} tabIndex={-1} aria-label={labels.chat}>
      <ChatHeader session={isDeleted ? undefined : session} lead={lead} hrefOf={hrefOf} onLeave={onLeave} />
      {content()}
    </section>
  );
}
