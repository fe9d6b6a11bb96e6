import type { ReactNode } from "react";
import { useLanguage } from "../labels/context";
import type { Labels } from "../labels/english";
import { textOf } from "../messages/message-parts";
import { isToolResult, type Turn } from "../messages/turns";
import { Button } from "../ui/button";
import { ErrorBoundary } from "../ui/error-boundary";
import styles from "./message-item.module.css";
import { useMessageRendering } from "./message-slots";

interface MessageItemProps {
  turn: Turn;
  /** Null until the service has stored it. */
  createdAt: string | null;
  /** The previous message has the same speaker. */
  continues?: boolean;
  isReplaced?: boolean | undefined;
  failure?: ReactNode;
  actions?: ReactNode;
}

/** The roles with a label of their own. */
const SPEAKERS = new Map<string, (labels: Labels) => string>(
  Object.entries({
    user: ({ you }) => you,
    assistant: ({ assistant }) => assistant,
    system: ({ system }) => system,
    developer: ({ developer }) => developer,
    tool: ({ tool }) => tool,
    function: (labels) => labels.function,
    reasoning: ({ reasoning }) => reasoning,
  }),
);

export function MessageItem({ turn, createdAt, continues, isReplaced, failure, actions }: MessageItemProps) {
  const { labels, format } = useLanguage();
  const { role, name } = turn.message;
  return (
    <li
      className={styles.message}
      data-role={isToolResult(turn) ? "tool" : role}
      data-unsent={createdAt === null || undefined}
      data-replaced={isReplaced || undefined}
      data-continues={continues || undefined}
    >
      <span className={styles.speaker} dir="auto">
        {name ?? SPEAKERS.get(role)?.(labels) ?? role}
      </span>
      <div className={styles.content} dir="auto" title={createdAt ? format.dateTime(createdAt) : undefined}>
        <ErrorBoundary fallback={(_, retry) => <BrokenMessage onRetry={retry} />}>
          <Content turn={turn} />
        </ErrorBoundary>
      </div>
      {failure && (
        <div className={styles.failure} role="alert">
          {failure}
        </div>
      )}
      {/* The log must not announce the buttons. */}
      {actions && (
        <div className={styles.actions} aria-live="off">
          {actions}
        </div>
      )}
    </li>
  );
}

/** Rendered by the host if it has `renderMessage`. */
function Content({ turn }: { turn: Turn }): ReactNode {
  const { renderMessage } = useMessageRendering();
  const content = <DefaultContent turn={turn} />;
  return renderMessage ? renderMessage(turn.message, { content }) : content;
}

const AS_WRITTEN = new Set(["system", "developer"]);

function DefaultContent({ turn: { message, parts } }: { turn: Turn }): ReactNode {
  const { labels } = useLanguage();
  const { Body } = useMessageRendering();
  if (parts.length === 0) {
    return <span className={styles.empty}>{labels.emptyMessage}</span>;
  }
  if (Body && !AS_WRITTEN.has(message.role)) {
    return <Body parts={parts} />;
  }
  return <div className={styles.plain}>{textOf(parts)}</div>;
}

function BrokenMessage({ onRetry }: { onRetry: () => void }) {
  const { labels } = useLanguage();
  return (
    <span className={styles.empty}>
      {labels.messageBroken}{" "}
      <Button look="quiet" onClick={onRetry}>
        {labels.retry}
      </Button>
    </span>
  );
}
