import { ExternalLink } from "lucide-react";
import type { ReactNode } from "react";
import { useLabels } from "../labels/context";
import styles from "./message-body.module.css";
import { isInlineImage, safeUrl } from "./safe-url";

/** A link, or plain text if the URL is not safe. */
export function OutsideLink({ url, children }: { url: string; children: ReactNode }) {
  const href = safeUrl(url);
  return href === null ? (
    children
  ) : (
    <a className={styles.link} href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

/** An inline image, or a link to a remote one: loading it would reveal the reader to its server. */
export function Figure({ url, name }: { url: string; name: string | null }) {
  const labels = useLabels();
  if (isInlineImage(url)) {
    return <img className={styles.image} src={url} alt={name || labels.image} />;
  }
  return (
    <OutsideLink url={url}>
      {name || (safeUrl(url) ?? labels.image)}
      <ExternalLink className={styles.outside} aria-label={labels.image} />
    </OutsideLink>
  );
}
