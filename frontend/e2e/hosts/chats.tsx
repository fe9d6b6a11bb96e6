"use client";
import { ChatPane, ChatSessionsProvider, ChatSidebar, type RowAction, StartPane } from "chat-sessions-sidebar";
import "chat-sessions-sidebar/style.css";
import { useState } from "react";

const labels = { chats: "Gespräche", newChat: "Neues Gespräch" };
const rowActions = (): RowAction[] => [{ label: "Teilen", onSelect: () => undefined }];

/** What a host application writes. */
export function Chats() {
  const [open, setOpen] = useState<string | null>(null);
  return (
    <ChatSessionsProvider
      baseUrl=""
      getToken={() => window.token}
      labels={labels}
      locale="de"
      onDeleted={(ids) => {
        window.deleted = ids;
      }}
    >
      <div style={{ display: "grid", gridTemplateColumns: "17rem minmax(0, 1fr)", height: "100vh" }}>
        <ChatSidebar selectedId={open} onSelect={setOpen} rowActions={rowActions} />
        {open === null ? <StartPane onStart={setOpen} /> : <ChatPane id={open} onLeave={() => setOpen(null)} />}
      </div>
    </ChatSessionsProvider>
  );
}
