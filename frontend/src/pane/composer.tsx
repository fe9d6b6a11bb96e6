import { ArrowUp } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useRef } from "react";
import { useLabels } from "../labels/context";
import { useDraft } from "../sessions/use-typed-text";
import { sendable } from "../text/storable";
import { isComposing } from "../ui/is-composing";
import { useMedia } from "../ui/use-media";
import { useOnline } from "../ui/use-online";
import styles from "./composer.module.css";

interface ComposerProps {
  /** The key of the draft: a chat, or the edit of one of its messages. */
  draft: string;
  /** Shown above the field. */
  banner?: ReactNode;
  label?: string;
  /** Takes the focus from this element on mount; not on touch screens, where the keyboard would cover the chat. */
  takesFocusFrom?: Element | null;
  /** Each new value moves the focus to the field. */
  focusKey?: number;
  isBusy?: boolean;
  note?: ReactNode;
  /** Must clear the draft once the text is stored elsewhere. */
  onSend: (text: string) => void;
}

export function Composer(props: ComposerProps) {
  const { draft, banner, label, takesFocusFrom = null, focusKey = 0, isBusy = false, note, onSend } = props;
  const labels = useLabels();
  const [text, setText] = useDraft(draft);
  const isOnline = useOnline();
  const field = useRef<HTMLTextAreaElement>(null);
  const isTouch = useMedia("(pointer: coarse)");
  const canSend = sendable(text) !== "" && !isBusy;

  const send = () => {
    if (canSend) {
      onSend(sendable(text));
      field.current?.focus();
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !isTouch && !isComposing(event)) {
      event.preventDefault();
      send();
    }
  };

  useEffect(() => {
    const isStillThere = [takesFocusFrom, document.body].includes(document.activeElement);
    if (takesFocusFrom && isStillThere && !isTouch) {
      field.current?.focus();
    }
  }, [takesFocusFrom, isTouch]);

  useEffect(() => {
    if (focusKey > 0 && !isTouch) {
      field.current?.focus();
    }
  }, [focusKey, isTouch]);

  return (
    <div className={styles.wrapper}>
      {banner}
      <form
        className={styles.composer}
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <textarea
          ref={field}
          className={styles.field}
          aria-label={label ?? labels.message}
          placeholder={labels.messagePlaceholder}
          dir="auto"
          rows={1}
          readOnly={isBusy}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <button
          type="submit"
          className={styles.send}
          disabled={!canSend}
          aria-label={labels.send}
          title={labels.sendHint(labels.keyEnter)}
        >
          <ArrowUp aria-hidden />
        </button>
      </form>
      <p className={styles.note} role="status">
        {isOnline ? note : labels.offlineDetail}
      </p>
    </div>
  );
}
