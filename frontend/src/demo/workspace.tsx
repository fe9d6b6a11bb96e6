import { LogOut, PanelLeft } from "lucide-react";
import { useState } from "react";
import { StartPane } from "../pane/start-pane";
import { ChatSessionsProvider } from "../sessions/provider";
import { ChatSidebar } from "../sidebar/chat-sidebar";
import { graphemesOf } from "../text/graphemes";
import { IconButton } from "../ui/button";
import { Modal } from "../ui/modal";
import { ROOT } from "../ui/theme";
import { useMedia } from "../ui/use-media";
import { base } from "./base";
import type { Identity } from "./identity";
import { LazyChatPane, usePreloadedPane } from "./lazy-chat-pane";
import { PageTitle } from "./page-title";
import { hrefOf, leaveDeletedChat, openChat, useOpenChat } from "./route";
import { useSide } from "./use-side";
import styles from "./workspace.module.css";

const NOTE = "Messages are stored but not answered.";

interface WorkspaceProps {
  identity: Identity;
  onSignOut: (() => void) | undefined;
}

/** The sidebar beside the open chat; on a narrow screen, in a drawer. */
export function Workspace({ identity, onSignOut }: WorkspaceProps) {
  const openId = useOpenChat();
  const isNarrow = useMedia("(max-width: 47.99rem)");
  const side = useSide(isNarrow);
  const [focusKey, setFocusKey] = useState(0);
  usePreloadedPane();

  const leave = () => {
    leaveDeletedChat();
    setFocusKey((key) => key + 1);
  };
  const sidebar = (
    <ChatSidebar
      selectedId={openId}
      hrefOf={hrefOf}
      onSelect={(id) => {
        setFocusKey(0);
        if (id === null) {
          leaveDeletedChat();
          return;
        }
        openChat(id);
        side.leaveDrawer();
      }}
      onToggle={side.toggle}
      onNewChat={() => {
        openChat(null);
        side.leaveDrawer();
        setFocusKey((key) => key + 1);
      }}
      footer={<SignedInUser name={identity.user} onSignOut={onSignOut} />}
    />
  );
  const menu = !side.isShown && (
    <IconButton ref={side.showButton} label="Show chats" onClick={side.toggle}>
      <PanelLeft aria-hidden />
    </IconButton>
  );
  return (
    <ChatSessionsProvider baseUrl={base} getToken={identity.getToken} user={identity.user}>
      <PageTitle id={openId} />
      <div className={styles.workspace}>
        {isNarrow ? (
          <Modal
            className={styles.drawer}
            backdrop={<div {...ROOT} className={styles.backdrop} />}
            aria-label="Chats"
            open={side.isShown}
            alwaysVisible
            unmountOnHide={false}
            onClose={side.leaveDrawer}
          >
            {sidebar}
          </Modal>
        ) : (
          <div ref={side.element} className={styles.side} data-hidden={!side.isShown || undefined}>
            {sidebar}
          </div>
        )}
        <main className={styles.main}>
          {openId === null ? (
            <StartPane lead={menu} note={NOTE} focusKey={focusKey} onStart={openChat} />
          ) : (
            <LazyChatPane id={openId} hrefOf={hrefOf} lead={menu} note={NOTE} onLeave={leave} />
          )}
        </main>
      </div>
    </ChatSessionsProvider>
  );
}

function SignedInUser({ name, onSignOut }: { name: string; onSignOut: (() => void) | undefined }) {
  return (
    <div className={styles.user}>
      <span className={styles.avatar} aria-hidden>
        {graphemesOf(name)[0]?.toUpperCase()}
      </span>
      <span className={styles.name} dir="auto">
        {name}
      </span>
      {onSignOut && (
        <IconButton label="Sign out" onClick={onSignOut}>
          <LogOut aria-hidden />
        </IconButton>
      )}
    </div>
  );
}
