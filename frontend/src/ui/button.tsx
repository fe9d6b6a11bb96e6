import type { ComponentProps } from "react";
import styles from "./button.module.css";

interface ButtonProps extends ComponentProps<"button"> {
  look?: "plain" | "accent" | "danger" | "quiet";
  /** Keeps the focus, shows a spinner, and cannot be pressed. */
  busy?: boolean;
}

export function Button({ look = "plain", busy = false, onClick, children, className, ...props }: ButtonProps) {
  return (
    <button
      type="button"
      className={`${styles.button} ${className ?? ""}`}
      data-look={look}
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : onClick}
      {...props}
    >
      {busy && <span className={styles.spinner} aria-hidden />}
      {children}
    </button>
  );
}

interface IconButtonProps extends ComponentProps<"button"> {
  label: string;
  /** Shown with the label as a tooltip. */
  shortcut?: string;
}

export function IconButton({ label, shortcut, className, ...props }: IconButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={shortcut ? `${label} (${shortcut})` : label}
      className={`${styles.icon} ${className ?? ""}`}
      {...props}
    />
  );
}
