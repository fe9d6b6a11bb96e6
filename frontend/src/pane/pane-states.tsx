import { CircleOff, CloudOff, SearchX } from "lucide-react";
import type { ReactNode } from "react";
import { useLabels, useLanguage } from "../labels/context";
import { reasonOf } from "../labels/reason";
import { Button } from "../ui/button";
import styles from "./pane-states.module.css";

export function Loading() {
  const labels = useLabels();
  return (
    <div className={styles.loading} role="status" aria-label={labels.loadingChat}>
      <i data-side="end" />
      <i />
      <i />
      <i data-side="end" />
    </div>
  );
}

export function Gone({ title, onLeave }: { title: string | undefined; onLeave: () => void }) {
  const labels = useLabels();
  return (
    <State
      icon={<CircleOff aria-hidden />}
      heading={labels.chatDeleted}
      text={title ? labels.chatDeletedDetail(title) : labels.untitledChatDeletedDetail}
      role="alert"
    >
      <Button onClick={onLeave}>{labels.closeChat}</Button>
    </State>
  );
}

export function NotFound({ onLeave }: { onLeave: () => void }) {
  const { chatNotFound, chatNotFoundDetail, startOver } = useLabels();
  return (
    <State icon={<SearchX aria-hidden />} heading={chatNotFound} text={chatNotFoundDetail} role="alert">
      <Button onClick={onLeave}>{startOver}</Button>
    </State>
  );
}

export function Failed({ error, onRetry, isRetrying }: { error: Error; onRetry: () => void; isRetrying: boolean }) {
  const language = useLanguage();
  const { chatFailed, retry } = language.labels;
  return (
    <State icon={<CloudOff aria-hidden />} heading={chatFailed} text={reasonOf(error, language)} role="alert">
      <Button onClick={onRetry} busy={isRetrying}>
        {retry}
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
