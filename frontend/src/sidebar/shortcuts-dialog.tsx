import { DialogDismiss, DialogHeading } from "@ariakit/react";
import { Button } from "../ui/button";
import dialog from "../ui/dialog.module.css";
import { Modal } from "../ui/modal";
import styles from "./shortcuts-dialog.module.css";

const SHORTCUTS: [keys: string[], what: string][] = [
  [["/"], "Search"],
  [["↑", "↓"], "Previous, next chat"],
  [["Home", "End"], "First, last chat"],
  [["Enter"], "Open"],
  [["F2"], "Rename"],
  [["P"], "Pin or unpin"],
  [["Del"], "Delete"],
  [["X"], "Select several"],
  [["Esc"], "Leave the selection or the search"],
];

interface ShortcutsDialogProps {
  open: boolean;
  onClose: () => void;
  /** Whether `/` works; people who speak to their computer want it off (WCAG 2.1.4). */
  isSlashOn: boolean;
  onSlash: (on: boolean) => void;
}

export function ShortcutsDialog({ open, onClose, isSlashOn, onSlash }: ShortcutsDialogProps) {
  return (
    <Modal open={open} onClose={onClose}>
      <DialogHeading className={dialog.title}>Keyboard shortcuts</DialogHeading>
      <dl className={styles.shortcuts}>
        {SHORTCUTS.map(([keys, what]) => (
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
        Use / to search from anywhere
      </label>
      <div className={dialog.buttons}>
        <DialogDismiss render={<Button>Close</Button>} />
      </div>
    </Modal>
  );
}
