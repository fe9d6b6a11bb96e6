import { CloudOff, MessagesSquare, SearchX } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "../ui/button";
import styles from "./list-states.module.css";

export function SkeletonRow() {
  return <div className={styles.skeleton} aria-hidden />;
}

const ROWS = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];

export function ListLoading() {
  return (
    <div className={styles.loading} role="status" aria-label="Loading chats">
      {ROWS.map((row) => (
        <SkeletonRow key={row} />
      ))}
    </div>
  );
}

export function ListError({ error, onRetry, isRetrying }: { error: Error; onRetry: () => void; isRetrying: boolean }) {
  return (
    <State icon={<CloudOff aria-hidden />} title="Your chats couldn’t be loaded" role="alert" detail={error.message}>
      <Button onClick={onRetry} busy={isRetrying}>
        Retry
      </Button>
    </State>
  );
}

export function ListEmpty() {
  return (
    <State
      icon={<MessagesSquare aria-hidden />}
      title="No chats yet"
      detail="The chats you start will be listed here."
    />
  );
}

export function NothingFound({ search, onClear }: { search: string; onClear: () => void }) {
  return (
    <State icon={<SearchX aria-hidden />} title="Nothing found" role="status" detail={`No title contains “${search}”.`}>
      <Button onClick={onClear}>Clear search</Button>
    </State>
  );
}

interface StateProps {
  icon: ReactNode;
  title: string;
  detail: string;
  role?: "alert" | "status";
  children?: ReactNode;
}

function State({ icon, title, detail, role, children }: StateProps) {
  return (
    <div className={styles.state} role={role}>
      <div className={styles.icon}>{icon}</div>
      <p className={styles.title}>{title}</p>
      <p className={styles.detail}>{detail}</p>
      {children}
    </div>
  );
}
