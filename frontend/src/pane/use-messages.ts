import { useEffect, useMemo } from "react";
import { ConversationChanged } from "../api/conversation-changed";
import type { Message, Session } from "../api/types";
import { useToasts } from "../feedback/toasts";
import { useLabels } from "../labels/context";
import { useChatSessions } from "../sessions/context";
import { type MessagePages, messagesOf } from "../sessions/message-pages";
import { titleFrom } from "../sessions/title-from";
import type { OutgoingMessage } from "../sessions/typed-text";
import { useChangeSession } from "../sessions/use-change-session";
import { useSendMessage } from "../sessions/use-send-message";
import { useOutgoing } from "../sessions/use-typed-text";

/** Sends the user's messages. One that fails stays until it is sent or edited. */
export function useMessages(session: Session, messages: readonly Message[]) {
  const { client, keys, typed } = useChatSessions();
  const labels = useLabels();
  const change = useChangeSession();
  const { notify, notifyFailure, dismiss } = useToasts();
  const unsent = useOutgoing(session.id);
  const stored = useMemo(() => new Set(messages.map(({ id }) => id)), [messages]);

  const sending = useSendMessage(session.id, {
    onStored: ({ sequence, content }) => {
      const title = session.title === null && sequence === 0 ? titleFrom(String(content)) : null;
      if (title !== null) {
        change.mutate({ session, change: { title }, from: null });
      }
    },
    onFailure: (error, message) => {
      const query = client.getQueryCache().find<MessagePages>({ queryKey: keys.session(session.id) });
      const now = query?.state.data ? messagesOf(query.state.data) : [];
      if (isRedundant(message, now)) {
        notifyRegenerateFailed(error, message);
      } else if (!query?.isActive()) {
        notifyFailure({ id: `send ${message.id}`, title: labels.sendFailed, error, retry: () => send(message) });
      }
    },
  });
  const send = (message: OutgoingMessage) => {
    dismiss(`send ${message.id}`);
    typed.send(message);
    sending.mutate(message);
  };
  const notifyRegenerateFailed = (error: Error, message: OutgoingMessage) => {
    const id = `send ${message.id}`;
    if (error instanceof ConversationChanged) {
      notify(id, labels.chatChanged);
    } else {
      notifyFailure({ id, title: labels.regenerateFailed, error, retry: () => send(message) });
    }
  };

  // An earlier attempt may have stored a message although its response was lost.
  useEffect(() => {
    for (const { message, state } of unsent) {
      if (stored.has(message.id) || (state !== "sending" && isRedundant(message, messages))) {
        typed.remove(message.id);
      }
    }
  }, [unsent, stored, messages, typed]);

  return {
    outgoing: unsent.filter(({ message }) => !stored.has(message.id)),
    send,
    edit: (message: OutgoingMessage) => {
      dismiss(`send ${message.id}`);
      typed.edit(message);
    },
  };
}

/** Whether the message that it repeats still exists, so that nothing is lost without it. */
function isRedundant({ isRepeat, original }: OutgoingMessage, messages: readonly Message[]): boolean {
  return isRepeat === true && messages.some(({ id }) => id === original?.id);
}
