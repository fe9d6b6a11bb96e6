import { useLayoutEffect, useRef } from "react";
import { useLabels } from "../labels/context";
import { MAX_TITLE } from "../sessions/titles";
import styles from "./session-row.module.css";

interface RenameFieldProps {
  title: string;
  /** The new title, or null if nothing is to change; and whether a key or the loss of focus has ended it. */
  onDone: (title: string | null, how: "key" | "blur") => void;
}

export function RenameField({ title, onDone }: RenameFieldProps) {
  const labels = useLabels();
  const field = useRef<HTMLInputElement>(null);
  const isDone = useRef(false);
  const isSettled = useRef(false);

  useLayoutEffect(() => {
    const takeFocus = () => {
      field.current?.focus();
      field.current?.select();
    };
    takeFocus();
    // The menu that it may have been opened from gives the focus back a moment later.
    const frame = requestAnimationFrame(() => {
      isSettled.current = true;
      if (document.activeElement !== field.current) {
        takeFocus();
      }
    });
    return () => cancelAnimationFrame(frame);
  }, []);

  const finish = (value: string, how: "key" | "blur") => {
    if (!isDone.current) {
      isDone.current = true;
      const next = value.trim();
      onDone(next === "" || next === title ? null : next, how);
    }
  };

  return (
    <input
      ref={field}
      className={styles.rename}
      aria-label={labels.newTitle(title)}
      defaultValue={title}
      maxLength={MAX_TITLE}
      enterKeyHint="done"
      autoComplete="off"
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter" && !event.nativeEvent.isComposing) {
          event.preventDefault();
          finish(event.currentTarget.value, "key");
        } else if (event.key === "Escape") {
          event.preventDefault();
          finish(title, "key");
        }
      }}
      onBlur={(event) => isSettled.current && finish(event.currentTarget.value, "blur")}
    />
  );
}
