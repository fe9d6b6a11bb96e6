import { useState } from "react";
import { type ChatSessionsProviderProps, WithinProvider } from "../sessions/provider";
import "../ui/tokens.css";
import { Sidebar, type SidebarProps } from "./sidebar";

export interface ChatSidebarProps
  extends Omit<SidebarProps, "selectedId">,
    Omit<ChatSessionsProviderProps, "children"> {
  /** The open session, if the page keeps it; otherwise the sidebar does. */
  selectedId?: string | null;
}

/** The sidebar, with everything it needs. Below a ChatSessionsProvider it shares the provider's cache and feed. */
export function ChatSidebar({ baseUrl, getToken, labels, locale, selectedId, onSelect, ...props }: ChatSidebarProps) {
  const [own, setOwn] = useState<string | null>(null);
  const select = (id: string | null) => {
    setOwn(id);
    onSelect(id);
  };
  return (
    <WithinProvider baseUrl={baseUrl} getToken={getToken} labels={labels} locale={locale}>
      <Sidebar selectedId={selectedId === undefined ? own : selectedId} onSelect={select} {...props} />
    </WithinProvider>
  );
}
