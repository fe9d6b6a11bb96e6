import styles from "./session-row.module.css";

/** The text with what was searched for marked. */
export function Highlighted({ text, search }: { text: string; search: string }) {
  const start = search === "" ? -1 : text.toLowerCase().indexOf(search.toLowerCase());
  if (start < 0) {
    return text;
  }
  const end = start + search.length;
  return (
    <>
      {text.slice(0, start)}
      <mark className={styles.mark}>{text.slice(start, end)}</mark>
      {text.slice(end)}
    </>
  );
}
