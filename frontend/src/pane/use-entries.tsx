import { Pencil, RefreshCw } from "lucide-react";
import type { Message } from "../api/types";
import { useLabels } from "../labels/context";
import { messageParts, textOf } from "../messages/message-parts";
import { resent } from "../messages/resent";
import type { Turn } from "../messages/turns";
import type { OutgoingMessage, Sending } from "../sessions/typed-text";
import { IconButton } from "../ui/button";
import type { Entry } from "./message-list";
import { NotSent } from "./not-sent";

interface Given {
  turns: readonly Turn[];
  outgoing: readonly { message: OutgoingMessage; state: Sending | undefined }[];
  /** The message that can be edited. */
  question: Turn | undefined;
  isEditing: boolean;
  onEdit: (text: string) => void;
  /** Null if there is nothing to regenerate. */
  onRegenerate: (() => void) | null;
  onRetry: (message: OutgoingMessage, error: Error | null) => void;
  onEditUnsent: (message: OutgoingMessage) => void;
}

/** The entries of the conversation: stored messages, then those that are not stored yet. */
export function useEntries(given: Given): Entry[] {
  const { turns, outgoing, question, isEditing, onEdit, onRegenerate, onRetry, onEditUnsent } = given;
  const labels = useLabels();
  const isSending = outgoing.some(({ state }) => state === "sending");
  // Hide messages while they are being replaced; they show again if that fails.
  const end = Math.min(...outgoing.map(({ message, state }) => (state === "sending" && message.cut?.from) || Infinity));

  const actionsOf = (turn: Turn) => {
    const text = textOf(turn.parts);
    const canEdit = turn === question && text !== "" && !isEditing && !isSending;
    const canRegenerate = turn === turns.at(-1) && onRegenerate !== null && !isEditing && !isSending;
    return (
      (canEdit || canRegenerate) && (
        <>
          {canEdit && (
            <IconButton label={labels.editMessage} onClick={() => onEdit(text)}>
              <Pencil aria-hidden />
            </IconButton>
          )}
          {canRegenerate && (
            <IconButton label={labels.regenerate} onClick={onRegenerate}>
              <RefreshCw aria-hidden />
            </IconButton>
          )}
        </>
      )
    );
  };
  const stored = turns
    .filter(({ message }) => message.sequence < end)
    .map((turn): Entry => {
      const { id, created_at, sequence } = turn.message;
      const isReplaced = isEditing && sequence >= (question?.message.sequence ?? Infinity);
      return { id, turn, createdAt: created_at, sequence, isReplaced, actions: actionsOf(turn) };
    });
  const unsent = outgoing.map(({ message, state }): Entry => {
    const error = state instanceof Error ? state : null;
    const failure = state !== "sending" && (
      <NotSent error={error} onRetry={() => onRetry(message, error)} onEdit={() => onEditUnsent(message)} />
    );
    return { id: message.id, turn: unsentTurn(message), createdAt: null, sequence: Infinity, failure };
  });
  return [...stored, ...unsent];
}

function unsentTurn({ id, content, original }: OutgoingMessage): Turn {
  const fields = original ? resent(original, content) : { role: "user", content };
  const message = { name: null, ...fields, id } as unknown as Message;
  return { message, parts: messageParts(message) };
}
