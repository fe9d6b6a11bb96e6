import { ChatSidebar } from "chat-sessions-sidebar";
import type { ReactNode } from "react";

export const metadata = { title: "A host", icons: { icon: "data:," } };

/** Rendered on the server only, where the package may be imported all the same. */
export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="de" data-imports={typeof ChatSidebar}>
      <body style={{ margin: 0 }}>{children}</body>
    </html>
  );
}
