import { ArrowUp } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useLabels } from "../labels/context";
import { useMedia } from "../ui/use-media";
import styles from "./composer.module.css";

interface ComposerProps {
  /** Takes the focus when it appears, if that is still there; never by touch: a keyboard would cover the screen. */
  takesFocusFrom?: Element | null;
  isBusy: boolean;
  note?: ReactNode;
  onSend: (text: string) => void;
}

export function Composer({ takesFocusFrom = null, isBusy, note, onSend }: ComposerProps) {
  const labels = useLabels();
  const [text, setText] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const isTouch = useMedia("(pointer: coarse)");
  const canSend = text.trim() !== "" && !isBusy;

  const send = () => {
    if (canSend) {
      onSend(text.trim());
      setText("");
      field.current?.focus();
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !isTouch && !event.nativeEvent.isComposing) {
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

  return (
    <div className={styles.place}>
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
          aria-label={labels.message}
          placeholder={labels.messagePlaceholder}
          rows={1}
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
      {note && <p className={styles.note}>{note}</p>}
    </div>
  );
}
