import { useState } from "react";
import { useLabels } from "../labels/context";
import { useTypedText } from "../sessions/use-typed-text";
import { Button } from "../ui/button";
import { copyText } from "../ui/copy-text";
import styles from "./pane-states.module.css";

/** Lets the user copy what was typed into a chat that no longer exists. */
export function UnsentText({ chat }: { chat: string }) {
  const labels = useLabels();
  const text = useTypedText(chat);
  const [isCopied, setCopied] = useState(false);
  if (text === "") {
    return null;
  }
  const copy = async () => setCopied(await copyText(text));
  return (
    <div className={styles.unsent}>
      <textarea className={styles.draft} aria-label={labels.yourDraft} dir="auto" readOnly value={text} />
      <Button onClick={copy}>{labels.copyDraft}</Button>
      <span className={styles.copied} role="status">
        {isCopied && labels.copied}
      </span>
    </div>
  );
}
