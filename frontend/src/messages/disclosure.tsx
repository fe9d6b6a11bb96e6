import { ChevronDown } from "lucide-react";
import { type ReactNode, useState } from "react";
import styles from "./disclosure.module.css";

/** Renders its content when first opened: tool results can be large. */
export function Disclosure({ icon, summary, children }: { icon: ReactNode; summary: ReactNode; children: ReactNode }) {
  const [wasOpen, setWasOpen] = useState(false);
  return (
    <details className={styles.disclosure} onToggle={() => setWasOpen(true)}>
      <summary className={styles.summary}>
        {icon}
        <span className={styles.text}>{summary}</span>
        <ChevronDown className={styles.chevron} aria-hidden />
      </summary>
      {wasOpen && <div className={styles.content}>{children}</div>}
    </details>
  );
}
