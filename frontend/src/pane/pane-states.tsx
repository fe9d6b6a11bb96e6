import { CircleOff, CloudOff, SearchX } from "lucide-react";
import type { ReactNode } from "react";
import { useLabels, useLanguage } from "../labels/context";
import { reasonOf } from "../labels/reason";
import { Button } from "../ui/button";
import { sentence } from "../ui/sentence";
import styles from "./pane-states.module.css";
import { UnsentText } from "./unsent-text";

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

interface GoneProps {
  chat: string;
  title: string | undefined;
  /** Whether the user deleted it on this page. */
  isOwn: boolean;
  onLeave: () => void;
}

export function Gone({ chat, title, isOwn, onLeave }: GoneProps) {
  const labels = useLabels();
  const elsewhere = title ? sentence(labels.chatDeletedDetail, title) : labels.untitledChatDeletedDetail;
  return (
    <PaneState
      icon={<CircleOff aria-hidden />}
      heading={labels.chatDeleted}
      text={isOwn ? labels.chatDeletedHere : elsewhere}
      role="alert"
    >
      <UnsentText chat={chat} />
      <Button onClick={onLeave}>{labels.closeChat}</Button>
    </PaneState>
  );
}

export function NotFound({ chat, onLeave }: { chat: string; onLeave: () => void }) {
  const { chatNotFound, chatNotFoundDetail, startOver } = useLabels();
  return (
    <PaneState icon={<SearchX aria-hidden />} heading={chatNotFound} text={chatNotFoundDetail} role="alert">
      <UnsentText chat={chat} />
      <Button onClick={onLeave}>{startOver}</Button>
    </PaneState>
  );
}

/** An error in our own code. */
export function Broken({ onRetry }: { onRetry: () => void }) {
  const { broken, brokenDetail, retry } = useLabels();
  return (
    <PaneState icon={<CircleOff aria-hidden />} heading={broken} text={brokenDetail} role="alert">
      <Button onClick={onRetry}>{retry}</Button>
    </PaneState>
  );
}

export function Failed({ error, onRetry, isRetrying }: { error: Error; onRetry: () => void; isRetrying: boolean }) {
  const language = useLanguage();
  const { chatFailed, retry } = language.labels;
  return (
    <PaneState icon={<CloudOff aria-hidden />} heading={chatFailed} text={reasonOf(error, language)} role="alert">
      <Button onClick={onRetry} busy={isRetrying}>
        {retry}
      </Button>
    </PaneState>
  );
}

interface PaneStateProps {
  icon: ReactNode;
  heading: string;
  text: ReactNode;
  role: "alert";
  children: ReactNode;
}

function PaneState({ icon, heading, text, role, children }: PaneStateProps) {
  return (
    <div className={styles.state} role={role}>
      <div className={styles.icon}>{icon}</div>
      <h2 className={styles.heading}>{heading}</h2>
      <p className={styles.text}>{text}</p>
      {children}
    </div>
  );
}
