import { type ComponentPropsWithoutRef, forwardRef } from "react";
import styles from "./button.module.css";

interface ButtonProps extends ComponentPropsWithoutRef<"button"> {
  look?: "plain" | "accent" | "danger" | "quiet";
  /** Keeps the focus, shows a spinner, and cannot be pressed. */
  busy?: boolean;
}

// React 18 hands a ref on only through forwardRef.
export const Button = forwardRef<HTMLButtonElement, ButtonProps>(function Button(
  { look = "plain", busy = false, onClick, children, className, ...props },
  ref,
) {
  return (
    <button
      ref={ref}
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
});

interface IconButtonProps extends ComponentPropsWithoutRef<"button"> {
  label: string;
  /** Shown with the label as a tooltip. */
  shortcut?: string;
}

export const IconButton = forwardRef<HTMLButtonElement, IconButtonProps>(function IconButton(
  { label, shortcut, className, ...props },
  ref,
) {
  return (
    <button
      ref={ref}
      type="button"
      aria-label={label}
      title={shortcut ? `${label} (${shortcut})` : label}
      className={`${styles.icon} ${className ?? ""}`}
      {...props}
    />
  );
});
