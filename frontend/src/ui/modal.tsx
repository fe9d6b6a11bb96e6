import { Dialog, type DialogProps } from "@ariakit/react";
import styles from "./dialog.module.css";
import { ROOT, useThemeFromSource } from "./theme";

/** For elements that stay usable while a modal dialog is open: toasts and announcements. */
export const PERSISTENT = { "data-chat-persistent": "" };

/** A modal dialog, centred unless `className` replaces its style. */
export function Modal({ className, ...props }: DialogProps) {
  const theme = useThemeFromSource();
  return (
    <Dialog
      {...ROOT}
      ref={theme}
      modal
      className={className ?? styles.popup}
      backdrop={<div {...ROOT} className={styles.backdrop} />}
      getPersistentElements={() => document.querySelectorAll("[data-chat-persistent]")}
      unmountOnHide
      {...props}
    />
  );
}
