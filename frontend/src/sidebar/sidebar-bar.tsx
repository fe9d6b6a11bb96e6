import { SquarePen } from "lucide-react";
import type { ComponentProps, RefObject } from "react";
import { useIsLive } from "../sessions/live";
import { Button } from "../ui/button";
import styles from "./sidebar.module.css";
import { SidebarMenu } from "./sidebar-menu";

interface SidebarBarProps extends ComponentProps<typeof SidebarMenu> {
  title: string;
  newChatButton: RefObject<HTMLButtonElement | null>;
  newChat: { make: () => void; busy: boolean };
}

export function SidebarBar({ title, newChatButton, newChat, ...menu }: SidebarBarProps) {
  const isLive = useIsLive();
  return (
    <>
      <div className={styles.bar}>
        <h2 className={styles.heading}>{title}</h2>
        {!isLive && (
          <span className={styles.offline} role="status" title="What other devices do is not seen at once.">
            Reconnecting…
          </span>
        )}
        <SidebarMenu {...menu} />
      </div>
      <Button ref={newChatButton} className={styles.new} busy={newChat.busy} onClick={newChat.make}>
        <SquarePen aria-hidden /> New chat
      </Button>
    </>
  );
}
