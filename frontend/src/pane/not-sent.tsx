import { ConversationChanged } from "../api/conversation-changed";
import { useLanguage } from "../labels/context";
import { reasonOf } from "../labels/reason";
import { Button } from "../ui/button";

interface NotSentProps {
  /** Null if the page was reloaded before the message was sent. */
  error: Error | null;
  onRetry: () => void;
  onEdit: () => void;
}

/** Why a message was not sent, and what to do about it. */
export function NotSent({ error, onRetry, onEdit }: NotSentProps) {
  const language = useLanguage();
  const { labels } = language;
  return (
    <>
      <span>
        {labels.notSent}{" "}
        {error instanceof ConversationChanged ? labels.chatChanged : error && reasonOf(error, language)}
      </span>
      <Button look="quiet" onClick={onRetry}>
        {error instanceof ConversationChanged ? labels.sendAtEnd : labels.retry}
      </Button>
      <Button look="quiet" onClick={onEdit}>
        {labels.edit}
      </Button>
    </>
  );
}
