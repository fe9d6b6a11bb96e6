import { useEffect } from "react";
import { ConversationChanged } from "../api/conversation-changed";
import type { Message } from "../api/types";
import { textOf } from "../messages/message-parts";
import { isToolResult, type Turn } from "../messages/turns";
import { useChatSessions } from "../sessions/context";
import { mintId } from "../sessions/mint-id";
import type { OutgoingMessage } from "../sessions/typed-text";
import { useEditedId } from "../sessions/use-typed-text";

/** Edits the user's last message, or regenerates its answer. Both cut the conversation at that message. */
export function useResend(
  chat: string,
  messages: readonly Message[],
  turns: readonly Turn[],
  send: (message: OutgoingMessage) => void,
) {
  const { typed } = useChatSessions();
  const editedId = useEditedId(chat);
  const last = turns.at(-1);
  const question = turns.findLast((turn) => turn.message.role === "user" && !isToolResult(turn));
  const isEditing = editedId !== null && editedId === question?.message.id;

  useEffect(() => {
    if (editedId !== null && !isEditing) {
      typed.moveEditToDraft(chat);
    }
  }, [editedId, isEditing, chat, typed]);

  const resend = ({ message }: Turn, content: string, isRepeat: boolean) =>
    send({
      id: mintId(),
      chat,
      content,
      original: message,
      cut: { from: message.sequence, lastSeen: messages.at(-1)?.id ?? "" },
      isRepeat,
    });

  return {
    question,
    isEditing,
    isAnswered: question !== undefined && question !== last,
    edit: (text: string) => question && typed.beginEdit(chat, question.message.id, text),
    cancel: () => typed.endEdit(chat),
    sendEdit: (text: string) => {
      if (question) {
        resend(question, text, false);
        typed.endEdit(chat);
      }
    },
    /** If the conversation has changed, the message is appended instead. */
    retry: (message: OutgoingMessage, error: Error | null) => {
      const { cut: _cut, ...atEnd } = message;
      send(error instanceof ConversationChanged ? atEnd : message);
    },
    /** Reopens a failed edit. False if the edited message no longer exists. */
    editAgain: ({ id, content, original }: OutgoingMessage) => {
      if (original === undefined || original.id !== question?.message.id) {
        return false;
      }
      typed.beginEdit(chat, original.id, content);
      typed.remove(id);
      return true;
    },
    regenerate: () => question && resend(question, textOf(question.parts), true),
  };
}
