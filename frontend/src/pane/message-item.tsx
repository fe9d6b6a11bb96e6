import type { ReactNode } from "react";
import type { Message } from "../api/types";
import { useLanguage } from "../labels/context";
import type { Labels } from "../labels/english";
import styles from "./message-item.module.css";

interface MessageItemProps {
  message: Pick<Message, "role" | "content" | "name"> & { created_at: string | null };
  isUnsent?: boolean;
  failure?: ReactNode;
}

/** Of the roles that people have a word for. */
const SPEAKERS: Record<string, ((labels: Labels) => string) | undefined> = {
  user: ({ you }) => you,
  assistant: ({ assistant }) => assistant,
  system: ({ system }) => system,
  developer: ({ developer }) => developer,
  tool: ({ tool }) => tool,
  function: (labels) => labels.function,
};

export function MessageItem({ message, isUnsent = false, failure }: MessageItemProps) {
  const { labels, format } = useLanguage();
  const { role, name, created_at } = message;
  return (
    <li className={styles.message} data-role={role} data-unsent={isUnsent || undefined}>
      <span className={styles.speaker} dir="auto">
        {name ?? SPEAKERS[role]?.(labels) ?? role}
      </span>
      <div className={styles.content} dir="auto" title={created_at ? format.dateTime(created_at) : undefined}>
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
