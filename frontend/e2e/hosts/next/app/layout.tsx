import { ChatSidebar } from "chat-sessions-sidebar";
import type { ReactNode } from "react";

export const metadata = { title: "A host", icons: { icon: "data:," } };

/** A server component, which can import the package too. */
export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="de" data-imports={typeof ChatSidebar}>
      <body style={{ margin: 0 }}>{children}</body>
    </html>
  );
}
