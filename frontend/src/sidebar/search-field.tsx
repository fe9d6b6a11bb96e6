import { Search as SearchIcon, X } from "lucide-react";
import { useLayoutEffect } from "react";
import { useLabels } from "../labels/context";
import { IconButton } from "../ui/button";
import { isComposing } from "../ui/is-composing";
import styles from "./search-field.module.css";
import type { Search } from "./use-search";

interface SearchFieldProps {
  search: Search;
  /** Arrow down moves the focus into the list. */
  onLeave: () => void;
  onEnter: () => void;
}

const MAX_SEARCH = 200;

export function SearchField({ search: { field, typed, type, leave }, onLeave, onEnter }: SearchFieldProps) {
  const labels = useLabels();
  useLayoutEffect(() => field.current?.focus(), [field]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: <search> is newer than the oldest browser that the sidebar runs in
    <div role="search" className={styles.search}>
      <SearchIcon aria-hidden />
      <input
        ref={field}
        type="text"
        dir="auto"
        className={styles.field}
        aria-label={labels.searchChats}
        placeholder={labels.searchPlaceholder}
        autoComplete="off"
        spellCheck={false}
        enterKeyHint="search"
        maxLength={MAX_SEARCH}
        value={typed}
        onChange={(event) => type(event.target.value)}
        onBlur={({ currentTarget }) => {
          // If the whole window lost the focus, the field is still the active element.
          if (typed === "" && document.activeElement !== currentTarget) {
            leave();
          }
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape" && !isComposing(event)) {
            event.preventDefault();
            event.stopPropagation();
            leave();
          } else if (event.key === "Enter" && !isComposing(event)) {
            event.preventDefault();
            onEnter();
          } else if (event.key === "ArrowDown") {
            event.preventDefault();
            onLeave();
          }
        }}
      />
      <IconButton label={labels.clearSearch} className={styles.clear} onClick={leave}>
        <X aria-hidden />
      </IconButton>
    </div>
  );
}
