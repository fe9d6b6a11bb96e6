import { Ellipsis, Link } from "lucide-react";
import { type ReactNode, useRef, useState } from "react";
import { DeleteDialog } from "../actions/delete-dialog";
import { RenameField } from "../actions/rename-field";
import { useChange } from "../actions/use-change";
import { useDeletion } from "../actions/use-deletion";
import { preloadMenus, useMenu } from "../actions/use-menu";
import type { Summary } from "../api/types";
import { useLabels } from "../labels/context";
import { titleOf } from "../sessions/titles";
import { IconButton } from "../ui/button";
import { CopyButton } from "../ui/copy-button";
import { useLatched } from "../ui/use-latched";
import styles from "./chat-header.module.css";

interface ChatHeaderProps {
  /** Undefined while it is loading and after it was deleted. */
  session: Summary | undefined;
  lead: ReactNode;
  hrefOf: ((id: string) => string) | undefined;
  onLeave: () => void;
}

/** One line above the conversation, with the title and the menu. */
export function ChatHeader({ session, lead, hrefOf, onLeave }: ChatHeaderProps) {
  return (
    <header className={styles.header}>
      {lead}
      {session && <Chat {...{ session, hrefOf, onLeave }} />}
    </header>
  );
}

function Chat({ session, hrefOf, onLeave }: Omit<ChatHeaderProps, "session" | "lead"> & { session: Summary }) {
  const labels = useLabels();
  const [isRenaming, setRenaming] = useState(false);
  const menuButton = useRef<HTMLButtonElement>(null);
  const menu = useMenu<null>();
  const latestMenu = useLatched(menu.opened);
  const change = useChange();
  const deletion = useDeletion({ onGone: onLeave });
  return (
    <>
      {isRenaming ? (
        <RenameField
          session={session}
          onDone={(renaming, how) => {
            setRenaming(false);
            if (renaming !== null) {
              change.rename(session, renaming);
            }
            if (how === "key") {
              menuButton.current?.focus();
            }
          }}
        />
      ) : (
        <h1 className={styles.title} dir="auto">
          {titleOf(session, labels)}
        </h1>
      )}
      {hrefOf && (
        <CopyButton
          label={labels.copyLink}
          icon={<Link aria-hidden />}
          text={() => new URL(hrefOf(session.id), location.href).href}
        />
      )}
      <IconButton
        ref={menuButton}
        label={labels.moreForChat}
        aria-haspopup="menu"
        aria-expanded={menu.opened !== null}
        onPointerEnter={preloadMenus}
        onFocus={preloadMenus}
        onClick={(event) => menu.toggle(null, event.currentTarget)}
      >
        <Ellipsis aria-hidden />
      </IconButton>
      {latestMenu && (
        <latestMenu.menus.ChatMenu
          session={session}
          anchor={menu.opened?.button ?? null}
          onClose={menu.close}
          onRename={() => setRenaming(true)}
          onPin={(isPinned) => change.pin(session, isPinned)}
          onArchive={(isArchived) => change.archive(session, isArchived)}
          onDelete={() => deletion.request(session)}
        />
      )}
      <DeleteDialog deletion={deletion} onClosed={() => menuButton.current?.focus()} />
    </>
  );
}
