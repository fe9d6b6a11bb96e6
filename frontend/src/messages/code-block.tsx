import { useLabels } from "../labels/context";
import { CopyButton } from "../ui/copy-button";
import styles from "./code-block.module.css";

export function CodeBlock({ code, language }: { code: string; language?: string | undefined }) {
  const labels = useLabels();
  return (
    <div className={styles.block} dir="ltr">
      <div className={styles.bar} data-bare={!language || undefined}>
        <bdi>{language}</bdi>
        <CopyButton label={labels.copyCode} text={code} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre className={styles.code} tabIndex={0}>
        <code>{code}</code>
      </pre>
    </div>
  );
}
