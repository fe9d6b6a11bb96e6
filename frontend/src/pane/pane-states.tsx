import { CircleOff, CloudOff, SearchX } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "../ui/button";
import styles from "./pane-states.module.css";

export function Loading() {
  return (
    <div className={styles.loading} role="status" aria-label="Loading the chat">
      <i data-side="end" />
      <i />
      <i />
      <i data-side="end" />
    </div>
  );
}

export function Gone({ title, onLeave }: { title: string | undefined; onLeave: () => void }) {
  return (
    <State
      icon={<CircleOff aria-hidden />}
      heading="This chat was deleted"
      text={`${title ? `“${title}”` : "It"} was deleted in another tab or on another device.`}
      role="alert"
    >
      <Button onClick={onLeave}>Close it</Button>
    </State>
  );
}

export function NotFound({ onLeave }: { onLeave: () => void }) {
  return (
    <State icon={<SearchX aria-hidden />} heading="There is no such chat" text="It may have been deleted." role="alert">
      <Button onClick={onLeave}>Start anew</Button>
    </State>
  );
}

export function Failed({ error, onRetry, isRetrying }: { error: Error; onRetry: () => void; isRetrying: boolean }) {
  return (
    <State icon={<CloudOff aria-hidden />} heading="This chat couldn’t be loaded" text={error.message} role="alert">
      <Button onClick={onRetry} busy={isRetrying}>
        Retry
      </Button>
    </State>
  );
}

interface StateProps {
  icon: ReactNode;
  heading: string;
  text: string;
  role: "alert";
  children: ReactNode;
}

function State({ icon, heading, text, role, children }: StateProps) {
  return (
    <div className={styles.state} role={role}>
      <div className={styles.icon}>{icon}</div>
      <h2 className={styles.heading}>{heading}</h2>
      <p className={styles.text}>{text}</p>
      {children}
    </div>
  );
}
