import { Ellipsis, SquarePen } from "lucide-react";
import type { RefObject } from "react";
import { useLabels } from "../labels/context";
import { useIsLive } from "../sessions/live";
import { Button, IconButton } from "../ui/button";
import { useLatched } from "../ui/use-latched";
import { useOnline } from "../ui/use-online";
import styles from "./sidebar.module.css";
import type { SidebarMenuActions } from "./sidebar-menu";
import { useMenu } from "./use-menu";

interface SidebarBarProps extends SidebarMenuActions {
  title: string;
  newChatButton: RefObject<HTMLButtonElement | null>;
  menuButton: RefObject<HTMLButtonElement | null>;
  onNewChat: () => void;
}

export function SidebarBar({ title, newChatButton, menuButton, onNewChat, ...actions }: SidebarBarProps) {
  const labels = useLabels();
  const isLive = useIsLive();
  const isOnline = useOnline();
  const menu = useMenu<null>();
  const latest = useLatched(menu.opened);
  return (
    <>
      <div className={styles.bar}>
        <h2 className={styles.heading}>{title}</h2>
        <span
          className={styles.offline}
          role="status"
          title={isOnline ? labels.reconnectingDetail : labels.offlineDetail}
        >
          {!isOnline && labels.offline}
          {isOnline && !isLive && labels.reconnecting}
        </span>
        <IconButton
          ref={menuButton}
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
