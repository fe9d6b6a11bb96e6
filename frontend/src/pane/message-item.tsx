import type { ReactNode } from "react";
import type { Message } from "../api/types";
import styles from "./message-item.module.css";

interface MessageItemProps {
  message: Pick<Message, "role" | "content" | "name"> & { created_at: string | null };
  isUnsent?: boolean;
  failure?: ReactNode;
}

const SPEAKERS: Record<Message["role"], string> = {
  user: "You",
  assistant: "Assistant",
  system: "System",
  developer: "Developer",
  tool: "Tool",
  function: "Function",
};

export function MessageItem({ message, isUnsent = false, failure }: MessageItemProps) {
  const { role, name, created_at } = message;
  return (
    <li className={styles.message} data-role={role} data-unsent={isUnsent || undefined}>
      <span className={styles.speaker}>{name ?? SPEAKERS[role]}</span>
      <div className={styles.content} title={created_at ? new Date(created_at).toLocaleString() : undefined}>
        {textOf(message.content)}
      </div>
      {failure && (
        <div className={styles.failure} role="alert">
          {failure}
        </div>
      )}
    </li>
  );
}

function textOf(content: Message["content"]): string {
  if (content === null) {
    return "—";
  }
  return typeof content === "string"
    ? content
    : content
        .map((part) => (typeof part.text === "string" ? part.text : `[${String(part.type ?? "part")}]`))
        .join("\n");
}
