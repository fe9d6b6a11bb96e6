import { useLanguage } from "../labels/context";
import { titleOf } from "../sessions/titles";
import styles from "./chosen-titles.module.css";
import type { Chosen } from "./use-choice";

const MAX_LISTED = 100;

/** Lists the titles of all chosen chats, including those that a search hides. */
export function ChosenTitles({ chosen }: { chosen: Chosen }) {
  const { labels, format } = useLanguage();
  const more = chosen.size - MAX_LISTED;
  return (
    <ul className={styles.titles} tabIndex={chosen.size > 5 ? 0 : undefined} aria-label={labels.selection}>
      {[...chosen.values()].slice(0, MAX_LISTED).map((session) => (
        <li key={session.id} dir="auto">
          {titleOf(session, labels)}
        </li>
      ))}
      {more > 0 && <li>{labels.andMore(more, format.number(more))}</li>}
    </ul>
  );
}
