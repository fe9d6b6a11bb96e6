import { findFolded } from "../text/fold";
import styles from "./session-row.module.css";

/** The text, with the match of the search marked. */
export function Highlighted({ text, search }: { text: string; search: string }) {
  const found = findFolded(text, search);
  if (!found) {
    return text;
  }
  const { start, end } = found;
  return (
    <>
      {text.slice(0, start)}
      <mark className={styles.mark}>{text.slice(start, end)}</mark>
      {text.slice(end)}
    </>
  );
}
