import { ArrowLeft, Ellipsis, PanelLeft, Search as SearchIcon, SquarePen } from "lucide-react";
import { type RefObject, useLayoutEffect, useRef } from "react";
import { useMenu } from "../actions/use-menu";
import { useLabels } from "../labels/context";
import { useIsLive } from "../sessions/live";
import { IconButton } from "../ui/button";
import { useLatched } from "../ui/use-latched";
import { useOnline } from "../ui/use-online";
import { SearchField } from "./search-field";
import styles from "./sidebar.module.css";
import type { SidebarMenuActions } from "./sidebar-menu";
import type { Search } from "./use-search";
import { useToggleKey } from "./use-toggle-key";

interface SidebarBarProps extends Omit<SidebarMenuActions, "search"> {
  title: string;
  search: Search;
  isSlashOn: boolean;
  newChatButton: RefObject<HTMLButtonElement | null>;
  menuButton: RefObject<HTMLButtonElement | null>;
  onNewChat: () => void;
  onEnter: () => void;
  onIntoList: () => void;
  onToggle: (() => void) | undefined;
  onLeaveArchive: () => void;
}

/** One line above the list. */
export function SidebarBar(props: SidebarBarProps) {
  const {
    title,
    search,
    isSlashOn,
    newChatButton,
    menuButton,
    onNewChat,
    onEnter,
    onIntoList,
    onToggle,
    onLeaveArchive,
    ...actions
  } = props;
  const labels = useLabels();
  const isPlain = !search.isOpen && !actions.isArchive;
  const menu = useMenu<null>();
  const latest = useLatched(menu.opened);
  const toggleKey = useToggleKey(onToggle);
  const searchButton = useRef<HTMLButtonElement>(null);
  const wasOpen = useRef(false);
  useLayoutEffect(() => {
    // The focused field is gone, so focus the button that opens it.
    if (wasOpen.current && !search.isOpen && document.activeElement === document.body) {
      searchButton.current?.focus();
    }
    wasOpen.current = search.isOpen;
  }, [search.isOpen]);
  return (
    <div className={styles.bar}>
      {actions.isArchive && (
        <>
          <IconButton label={labels.backToChats} onClick={onLeaveArchive}>
            <ArrowLeft aria-hidden className={styles.back} />
          </IconButton>
          <h2 className={styles.heading}>{labels.archivedChats}</h2>
        </>
      )}
      {search.isOpen && <SearchField search={search} onLeave={onIntoList} onEnter={onEnter} />}
      {isPlain && (
        <>
          {onToggle && (
            <IconButton label={labels.hideSidebar} shortcut={toggleKey} onClick={onToggle}>
              <PanelLeft aria-hidden />
            </IconButton>
          )}
          <h2 className={styles.heading} dir="auto">
            {title}
          </h2>
        </>
      )}
      <Connection />
      {isPlain && (
        <>
          <IconButton
            ref={searchButton}
            label={labels.searchChats}
            shortcut={isSlashOn ? "/" : undefined}
            aria-keyshortcuts={isSlashOn ? "/" : undefined}
            onClick={search.open}
          >
            <SearchIcon aria-hidden />
          </IconButton>
          <IconButton ref={newChatButton} label={labels.newChat} onClick={onNewChat}>
            <SquarePen aria-hidden />
          </IconButton>
        </>
      )}
      <IconButton
        ref={menuButton}
        label={labels.more}
        aria-haspopup="menu"
        aria-expanded={menu.opened !== null}
        onClick={(event) => menu.toggle(null, event.currentTarget)}
      >
        <Ellipsis aria-hidden />
      </IconButton>
      {latest && (
        <latest.menus.SidebarMenu
          anchor={menu.opened?.button ?? null}
          onClose={menu.close}
          search={search.search}
          {...actions}
        />
      )}
    </div>
  );
}

/** Shows when the list may be out of date. */
function Connection() {
  const labels = useLabels();
  const isLive = useIsLive();
  const isOnline = useOnline();
  return (
    <span className={styles.offline} role="status" title={isOnline ? labels.reconnectingDetail : labels.offlineDetail}>
      {!isOnline && labels.offline}
      {isOnline && !isLive && labels.reconnecting}
    </span>
  );
}
