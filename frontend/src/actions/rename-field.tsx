import { useLayoutEffect, useRef, useState } from "react";
import type { Renaming } from "../api/rename-session";
import type { Summary } from "../api/types";
import { useLabels } from "../labels/context";
import { MAX_TITLE, titleOf } from "../sessions/titles";
import { isComposing } from "../ui/is-composing";
import styles from "./rename-field.module.css";

interface RenameFieldProps {
  session: Summary;
  /** Called with the rename, or null for no change, and with what ended the editing. */
  onDone: (renaming: Renaming | null, how: "key" | "blur") => void;
}

export function RenameField({ session, onDone }: RenameFieldProps) {
  const labels = useLabels();
  // Kept from the first render: if another device renames the session meanwhile, `from` must still be the old title.
  const [opened] = useState(session);
  const title = titleOf(opened, labels);
  const field = useRef<HTMLInputElement>(null);
  const isDone = useRef(false);
  const isSettled = useRef(false);

  useLayoutEffect(() => {
    const takeFocus = () => {
      field.current?.focus();
      field.current?.select();
    };
    takeFocus();
    // If a menu opened the field, the menu returns the focus to its button a moment later.
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
      onDone(next === "" || next === title ? null : { title: next, from: opened.title }, how);
    }
  };

  return (
    <input
      ref={field}
      className={styles.rename}
      aria-label={labels.newTitle(title)}
      dir="auto"
      defaultValue={title}
      maxLength={MAX_TITLE}
      enterKeyHint="done"
      autoComplete="off"
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter" && !isComposing(event)) {
          event.preventDefault();
          finish(event.currentTarget.value, "key");
        } else if (event.key === "Escape" && !isComposing(event)) {
          event.preventDefault();
          finish(title, "key");
        }
      }}
      onBlur={(event) => isSettled.current && finish(event.currentTarget.value, "blur")}
    />
  );
}
