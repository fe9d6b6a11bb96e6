import { type ComponentPropsWithoutRef, forwardRef, type ReactNode } from "react";
import styles from "./button.module.css";

interface ButtonProps extends ComponentPropsWithoutRef<"button"> {
  look?: "plain" | "accent" | "danger" | "quiet";
  /** Shows a spinner. The button keeps the focus, but cannot be pressed. */
  busy?: boolean;
  /** Replaces the children while busy. The button is wide enough for both. */
  busyLabel?: string;
}

// React 18 passes refs on only through forwardRef.
export const Button = forwardRef<HTMLButtonElement, ButtonProps>(function Button(
  { look = "plain", busy = false, busyLabel, onClick, children, className, ...props },
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
      {busyLabel === undefined ? (
        <>
          {busy && <Spinner />}
          {children}
        </>
      ) : (
        <>
          <Layer isShown={!busy}>{children}</Layer>
          <Layer isShown={busy}>
            <Spinner /> {busyLabel}
          </Layer>
        </>
      )}
    </button>
  );
});

function Spinner() {
  return <span className={styles.spinner} aria-hidden />;
}

/** One of two contents that share the same space. */
function Layer({ isShown, children }: { isShown: boolean; children: ReactNode }) {
  return (
    <span className={styles.layer} style={{ visibility: isShown ? undefined : "hidden" }} aria-hidden={!isShown}>
      {children}
    </span>
  );
}

interface IconButtonProps extends ComponentPropsWithoutRef<"button"> {
  label: string;
  /** Shown after the label in the tooltip. */
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
