import { Dialog, type DialogProps } from "@ariakit/react";
import styles from "./dialog.module.css";
import { ROOT, useThemeFromSource } from "./theme";

/** What stays usable while a modal dialog is open: toasts, and what is said to screen readers. */
export const PERSISTENT = { "data-chat-persistent": "" };

/** A modal dialog; `className` makes it something else than a box in the middle. */
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
