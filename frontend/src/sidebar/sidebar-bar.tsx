import { Ellipsis, SquarePen } from "lucide-react";
import type { RefObject } from "react";
import { useLabels } from "../labels/context";
import { useIsLive } from "../sessions/live";
import { Button, IconButton } from "../ui/button";
import { useLatched } from "../ui/use-latched";
import styles from "./sidebar.module.css";
import type { SidebarMenuActions } from "./sidebar-menu";
import { useMenu } from "./use-menu";

interface SidebarBarProps extends SidebarMenuActions {
  title: string;
  newChatButton: RefObject<HTMLButtonElement | null>;
  onNewChat: () => void;
}

export function SidebarBar({ title, newChatButton, onNewChat, ...actions }: SidebarBarProps) {
  const labels = useLabels();
  const isLive = useIsLive();
  const menu = useMenu<null>();
  const latest = useLatched(menu.opened);
  return (
    <>
      <div className={styles.bar}>
        <h2 className={styles.heading}>{title}</h2>
        {!isLive && (
          <span className={styles.offline} role="status" title={labels.reconnectingDetail}>
            {labels.reconnecting}
          </span>
        )}
        <IconButton
          label={labels.more}
          aria-haspopup="menu"
          aria-expanded={menu.opened !== null}
          onClick={(event) => menu.toggle(null, event.currentTarget)}
        >
          <Ellipsis aria-hidden />
        </IconButton>
        {latest && <latest.menus.SidebarMenu anchor={menu.opened?.button ?? null} onClose={menu.close} {...actions} />}
      </div>
      <Button ref={newChatButton} className={styles.new} onClick={onNewChat}>
        <SquarePen aria-hidden /> {labels.newChat}
      </Button>
    </>
  );
}
