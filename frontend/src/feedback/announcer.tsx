import { createContext, type ReactNode, useCallback, useContext, useState } from "react";
import { PERSISTENT } from "../ui/modal";
import styles from "./announcer.module.css";

const AnnouncerContext = createContext<(text: string) => void>(() => undefined);
export const useAnnounce = () => useContext(AnnouncerContext);

/** Tells screen readers what others see. */
export function Announcer({ children }: { children: ReactNode }) {
  const [said, setSaid] = useState({ text: "", times: 0 });
  const announce = useCallback((text: string) => setSaid(({ times }) => ({ text, times: times + 1 })), []);
  return (
    <AnnouncerContext.Provider value={announce}>
      {children}
      <div role="status" aria-live="polite" className={styles.status} {...PERSISTENT}>
        <span key={said.times}>{said.text}</span>
      </div>
    </AnnouncerContext.Provider>
  );
}
