import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { deleteSessions } from "../api/delete-sessions";
import { useChatSessions } from "../sessions/context";
import { keys } from "../sessions/keys";
import { Button } from "../ui/button";
import { ConfirmDialog } from "../ui/confirm-dialog";
import styles from "./delete-all-dialog.module.css";

interface DeleteAllDialogProps {
  open: boolean;
  /** Only what this finds; everything if it is empty. */
  search: string;
  busy: boolean;
  onConfirm: () => void;
  onCancel: () => void;
  onClosed: () => void;
}

const WORD = "delete";

/** Says first how many it would be (a dry run), and wants a word typed. */
export function DeleteAllDialog({ open, search, busy, onConfirm, onCancel, onClosed }: DeleteAllDialogProps) {
  const { api } = useChatSessions();
  const fieldId = useId();
  const [typed, setTyped] = useState("");
  const count = useQuery({
    queryKey: keys.count(search),
    queryFn: async () => (await deleteSessions(api, { filter: filterOf(search) }, { dryRun: true })).count,
    enabled: open,
    gcTime: 0,
    staleTime: 0,
  });
  const chats = count.data === 1 ? "1 chat" : `${count.data?.toLocaleString("en") ?? "…"} chats`;
  const isReady = count.data !== undefined && count.data > 0 && typed.trim().toLowerCase() === WORD;

  return (
    <ConfirmDialog
      open={open}
      title={search === "" ? `Delete all ${chats}?` : `Delete ${chats} found for “${search}”?`}
      description="Their messages go with them, on all your devices. This can’t be undone."
      action={count.data === undefined ? "Delete all" : `Delete ${chats}`}
      busyAction="Deleting…"
      busy={busy}
      disabled={!isReady}
      onConfirm={onConfirm}
      onCancel={onCancel}
      onClosed={() => {
        setTyped("");
        onClosed();
      }}
    >
      {count.error ? (
        <div className={styles.error} role="alert">
          <span>They couldn’t be counted. {count.error.message}</span>
          <Button busy={count.isFetching} onClick={() => count.refetch()}>
            Retry
          </Button>
        </div>
      ) : (
        <div className={styles.confirmation}>
          <label htmlFor={fieldId}>
            Type <strong>{WORD}</strong> to confirm
          </label>
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

export function filterOf(search: string): { q?: string } {
  return search === "" ? {} : { q: search };
}
