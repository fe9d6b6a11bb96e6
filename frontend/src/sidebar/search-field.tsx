import { Search, X } from "lucide-react";
import type { RefObject } from "react";
import { useLabels } from "../labels/context";
import { IconButton } from "../ui/button";
import styles from "./search-field.module.css";

interface SearchFieldProps {
  field: RefObject<HTMLInputElement | null>;
  value: string;
  onChange: (value: string) => void;
  /** Arrow down goes on into the list. */
  onLeave: () => void;
  showShortcut: boolean;
}

const MAX_SEARCH = 200;

export function SearchField({ field, value, onChange, onLeave, showShortcut }: SearchFieldProps) {
  const labels = useLabels();
  const clear = () => {
    onChange("");
    field.current?.focus();
  };
  return (
    <search className={styles.search}>
      <Search aria-hidden />
      <input
        ref={field}
        type="text"
        dir="auto"
        className={styles.field}
        aria-label={labels.searchChats}
        aria-keyshortcuts={showShortcut ? "/" : undefined}
        placeholder={labels.searchPlaceholder}
        autoComplete="off"
        spellCheck={false}
        enterKeyHint="search"
        maxLength={MAX_SEARCH}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape" && value !== "") {
            event.preventDefault();
            event.stopPropagation();
            onChange("");
          } else if (event.key === "ArrowDown") {
            event.preventDefault();
            onLeave();
          }
        }}
      />
      {value !== "" ? (
        <IconButton label={labels.clearSearch} className={styles.clear} onClick={clear}>
          <X aria-hidden />
        </IconButton>
      ) : (
        showShortcut && (
          <kbd className={styles.hint} aria-hidden>
            /
          </kbd>
        )
      )}
    </search>
  );
}
