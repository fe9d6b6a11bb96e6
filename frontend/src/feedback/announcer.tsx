import { createContext, type ReactNode, useCallback, useContext, useState } from "react";
import { PERSISTENT } from "../ui/modal";
import styles from "./announcer.module.css";

const AnnouncerContext = createContext<(text: string) => void>(() => undefined);
export const useAnnounce = () => useContext(AnnouncerContext);

/** Announces texts to screen readers. */
export function Announcer({ children }: { children: ReactNode }) {
  const [announced, setAnnounced] = useState({ text: "", count: 0 });
  const announce = useCallback((text: string) => setAnnounced(({ count }) => ({ text, count: count + 1 })), []);
  return (
    <AnnouncerContext.Provider value={announce}>
      {children}
      <div role="status" aria-live="polite" className={styles.status} {...PERSISTENT}>
        <span key={announced.count}>{announced.text}</span>
      </div>
    </AnnouncerContext.Provider>
  );
}
