import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { countSessions } from "../api/count-sessions";
import type { DeletionFilter } from "../api/delete-sessions";
import { useLanguage } from "../labels/context";
import { reasonOf } from "../labels/reason";
import { useChatSessions } from "../sessions/context";
import { Button } from "../ui/button";
import { ConfirmDialog } from "../ui/confirm-dialog";
import styles from "./delete-all-dialog.module.css";

interface DeleteAllDialogProps {
  open: boolean;
  busy: boolean;
  onConfirm: (counted: DeletionFilter) => void;
  onCancel: () => void;
  onClosed: () => void;
}

/** Shows how many chats there are, from a dry run, and asks for a word to be typed. */
export function DeleteAllDialog({ open, busy, onConfirm, onCancel, onClosed }: DeleteAllDialogProps) {
  const { api, keys } = useChatSessions();
  const language = useLanguage();
  const { labels, format } = language;
  const fieldId = useId();
  const [typed, setTyped] = useState("");
  const counting = useQuery({
    queryKey: keys.count,
    queryFn: () => countSessions(api),
    enabled: open,
    gcTime: 0,
    staleTime: 0,
  });
  const count = counting.data?.count;
  const hasTyped = format.lowerCase(typed.trim()) === format.lowerCase(labels.confirmationWord);
  const isReady = count !== undefined && count > 0 && hasTyped;

  return (
    <ConfirmDialog
      open={open}
      title={count === undefined ? labels.countingAll : labels.deleteAllQuestion(count, format.number(count))}
      description={labels.deleteSeveralDetail}
      action={count === undefined ? labels.delete : labels.deleteCounted(count, format.number(count))}
      busy={busy}
      disabled={!isReady}
      onConfirm={() => counting.data && onConfirm(counting.data.filter)}
      onCancel={onCancel}
      onClosed={() => {
        setTyped("");
        onClosed();
      }}
    >
      {counting.error ? (
        <div className={styles.error} role="alert">
          <span>
            {labels.countFailed} {reasonOf(counting.error, language)}
          </span>
          <Button busy={counting.isFetching} onClick={() => counting.refetch()}>
            {labels.retry}
          </Button>
        </div>
      ) : (
        <div className={styles.confirmation}>
          <label htmlFor={fieldId}>{labels.typeToConfirm(labels.confirmationWord)}</label>
          <input
            id={fieldId}
            className={styles.field}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            readOnly={busy}
          />
        </div>
      )}
    </ConfirmDialog>
  );
}
