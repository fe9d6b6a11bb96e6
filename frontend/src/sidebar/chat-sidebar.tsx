import { useState } from "react";
import { type ChatSessionsProviderProps, WithinProvider } from "../sessions/provider";
import "../ui/tokens.css";
import { ErrorBoundary } from "../ui/error-boundary";
import { SidebarBroken } from "./list-states";
import { Sidebar, type SidebarProps } from "./sidebar";

export interface ChatSidebarProps
  extends Omit<SidebarProps, "selectedId">,
    Partial<Omit<ChatSessionsProviderProps, "children">> {
  /** The id of the open chat. If omitted, the sidebar keeps it. */
  selectedId?: string | null;
}

/** The sidebar. Inside a ChatSessionsProvider it shares the provider's cache and feed; otherwise it creates its own. */
export function ChatSidebar(props: ChatSidebarProps) {
  const {
    selectedId,
    onSelect,
    onNewChat,
    onToggle,
    hrefOf,
    renderRow,
    rowActions,
    title,
    footer,
    className,
    ...providing
  } = props;
  const [own, setOwn] = useState<string | null>(null);
  const select = (id: string | null) => {
    setOwn(id);
    onSelect(id);
  };
  return (
    <WithinProvider {...providing}>
      <ErrorBoundary fallback={(_, retry) => <SidebarBroken onRetry={retry} />}>
        <Sidebar
          {...{ onNewChat, onToggle, hrefOf, renderRow, rowActions, title, footer, className }}
          selectedId={selectedId === undefined ? own : selectedId}
          onSelect={select}
        />
      </ErrorBoundary>
    </WithinProvider>
  );
}
