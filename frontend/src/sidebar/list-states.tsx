import { Archive, CloudOff, MessagesSquare, SearchX } from "lucide-react";
import type { ReactNode } from "react";
import { useLabels, useLanguage } from "../labels/context";
import { reasonOf } from "../labels/reason";
import { Button } from "../ui/button";
import { sentence } from "../ui/sentence";
import { ROOT } from "../ui/theme";
import styles from "./list-states.module.css";
import sidebar from "./sidebar.module.css";

export function SkeletonRow() {
  return <div className={styles.skeleton} aria-hidden />;
}

const ROWS = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];

export function ListLoading() {
  const labels = useLabels();
  return (
    <div className={styles.loading} role="status" aria-label={labels.loadingChats}>
      {ROWS.map((row) => (
        <SkeletonRow key={row} />
      ))}
    </div>
  );
}

export function ListError({ error, onRetry, isRetrying }: { error: Error; onRetry: () => void; isRetrying: boolean }) {
  const language = useLanguage();
  const { listFailed, retry } = language.labels;
  return (
    <ListState icon={<CloudOff aria-hidden />} title={listFailed} role="alert" detail={reasonOf(error, language)}>
      <Button onClick={onRetry} busy={isRetrying}>
        {retry}
      </Button>
    </ListState>
  );
}

export function ArchiveEmpty() {
  const labels = useLabels();
  return <ListState icon={<Archive aria-hidden />} title={labels.archiveEmpty} detail={labels.archiveEmptyDetail} />;
}

export function ListEmpty() {
  const labels = useLabels();
  return <ListState icon={<MessagesSquare aria-hidden />} title={labels.listEmpty} detail={labels.listEmptyDetail} />;
}

export function NothingFound({ search, onClear }: { search: string; onClear: () => void }) {
  const { nothingFound, nothingFoundDetail, clearSearch } = useLabels();
  return (
    <ListState
      icon={<SearchX aria-hidden />}
      title={nothingFound}
      role="status"
      detail={sentence(nothingFoundDetail, search)}
    >
      <Button onClick={onClear}>{clearSearch}</Button>
    </ListState>
  );
}

/** An error in our own code. */
export function SidebarBroken({ onRetry }: { onRetry: () => void }) {
  const { broken, brokenDetail, retry } = useLabels();
  return (
    <div {...ROOT} className={sidebar.sidebar}>
      <ListState icon={<CloudOff aria-hidden />} title={broken} role="alert" detail={brokenDetail}>
        <Button onClick={onRetry}>{retry}</Button>
      </ListState>
    </div>
  );
}

interface ListStateProps {
  icon: ReactNode;
  title: string;
  detail: ReactNode;
  role?: "alert" | "status";
  children?: ReactNode;
}

function ListState({ icon, title, detail, role, children }: ListStateProps) {
  return (
    <div className={styles.state} role={role}>
      <div className={styles.icon}>{icon}</div>
      <p className={styles.title}>{title}</p>
      <p className={styles.detail}>{detail}</p>
      {children}
    </div>
  );
}
