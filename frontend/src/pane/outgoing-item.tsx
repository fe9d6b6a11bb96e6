import { useLanguage } from "../labels/context";
import { reasonOf } from "../labels/reason";
import type { OutgoingMessage, Sending } from "../sessions/typed-text";
import { Button } from "../ui/button";
import { MessageItem } from "./message-item";

interface OutgoingItemProps {
  message: OutgoingMessage;
  state: Sending | undefined;
  onRetry: () => void;
  onEdit: () => void;
}

/** A message that has not arrived: on its way, failed, or left over from before the page was loaded again. */
export function OutgoingItem({ message, state, onRetry, onEdit }: OutgoingItemProps) {
  const language = useLanguage();
  const { labels } = language;
  const failure = state !== "sending" && (
    <>
      <span>
        {labels.notSent} {state && reasonOf(state, language)}
      </span>
      <Button look="quiet" onClick={onRetry}>
        {labels.retry}
      </Button>
      <Button look="quiet" onClick={onEdit}>
        {labels.edit}
      </Button>
    </>
  );
  const shown = { role: "user", content: message.content, name: null, created_at: null } as const;
  return <MessageItem message={shown} isUnsent failure={failure} />;
}
