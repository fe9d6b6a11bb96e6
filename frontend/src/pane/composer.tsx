import { ArrowUp } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useMedia } from "../ui/use-media";
import styles from "./composer.module.css";

interface ComposerProps {
  /** Takes the focus when it appears, if that is still there; never by touch: a keyboard would cover the screen. */
  takesFocusFrom?: Element | null;
  isBusy: boolean;
  onSend: (text: string) => void;
}

export function Composer({ takesFocusFrom = null, isBusy, onSend }: ComposerProps) {
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
          aria-label="Message"
          placeholder="Write a message"
          rows={1}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <button type="submit" className={styles.send} disabled={!canSend} aria-label="Send" title="Send (Enter)">
          <ArrowUp aria-hidden />
        </button>
      </form>
      <p className={styles.note}>Chats are kept here, not answered.</p>
    </div>
  );
}
