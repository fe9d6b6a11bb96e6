import { DialogDismiss, DialogHeading } from "@ariakit/react";
import type { RefObject } from "react";
import { useLabels } from "../labels/context";
import type { Labels } from "../labels/english";
import { Button } from "../ui/button";
import dialog from "../ui/dialog.module.css";
import { Modal } from "../ui/modal";
import styles from "./shortcuts-dialog.module.css";

const shortcuts = (labels: Labels): [keys: string[], what: string][] => [
  [["/"], labels.shortcutSearch],
  [["↑", "↓"], labels.shortcutMove],
  [[labels.keyHome, labels.keyEnd], labels.shortcutEnds],
  [[labels.keyEnter], labels.shortcutOpen],
  [["F2"], labels.rename],
  [["P"], labels.shortcutPin],
  [["E"], labels.shortcutArchive],
  [[labels.keyDelete], labels.delete],
  [["X"], labels.shortcutSelect],
  [[labels.keyEscape], labels.shortcutLeave],
];

interface ShortcutsDialogProps {
  open: boolean;
  /** Gets the focus when the dialog closes. */
  opener: RefObject<HTMLElement | null>;
  onClose: () => void;
  /** Whether `/` works everywhere; users of speech input need to turn it off (WCAG 2.1.4). */
  isSlashOn: boolean;
  onSlash: (on: boolean) => void;
}

export function ShortcutsDialog({ open, opener, onClose, isSlashOn, onSlash }: ShortcutsDialogProps) {
  const labels = useLabels();
  return (
    <Modal open={open} onClose={onClose} finalFocus={opener}>
      <DialogHeading className={dialog.title}>{labels.keyboardShortcuts}</DialogHeading>
      <dl className={styles.shortcuts}>
        {shortcuts(labels).map(([keys, what]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <label className={styles.option}>
        <input type="checkbox" checked={isSlashOn} onChange={(event) => onSlash(event.target.checked)} />
        {labels.slashEverywhere}
      </label>
      <div className={dialog.buttons}>
        <DialogDismiss render={<Button>{labels.close}</Button>} />
      </div>
    </Modal>
  );
}
