import { DialogDescription, DialogDismiss, DialogHeading } from "@ariakit/react";
import { type ReactNode, useRef } from "react";
import { useLabels } from "../labels/context";
import { Button } from "./button";
import styles from "./dialog.module.css";
import { Modal } from "./modal";

interface ConfirmDialogProps {
  open: boolean;
  title: ReactNode;
  description: ReactNode;
  /** More to read; `children` are for fields to fill in. */
  details?: ReactNode;
  children?: ReactNode;
  action: string;
  busy: boolean;
  disabled?: boolean;
  onConfirm: () => void;
  onCancel: () => void;
  /** Moves the focus, once the dialog has closed. */
  onClosed: () => void;
}

/** Asks before something is deleted. While busy, it cannot be closed, and its button cannot be pressed again. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { open, title, description, details, children, action, busy, disabled, onConfirm, onCancel, onClosed } = props;
  const labels = useLabels();
  const cancel = useRef<HTMLButtonElement>(null);
  return (
    <Modal
      role="alertdialog"
      open={open}
      onClose={() => !busy && onCancel()}
      hideOnInteractOutside={false}
      initialFocus={children ? undefined : cancel}
      autoFocusOnHide={() => {
        onClosed();
        return false;
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy && !disabled) {
            onConfirm();
          }
        }}
      >
        <DialogHeading className={styles.title}>{title}</DialogHeading>
        <DialogDescription className={styles.description}>{description}</DialogDescription>
        {details}
        {children}
        <div className={styles.buttons}>
          <DialogDismiss ref={cancel} disabled={busy} render={<Button />}>
            {labels.cancel}
          </DialogDismiss>
          <Button type="submit" look="danger" busy={busy} busyLabel={labels.deleting} disabled={disabled}>
            {action}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
