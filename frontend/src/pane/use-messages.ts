import { useEffect, useMemo } from "react";
import { MovedOn } from "../api/moved-on";
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

/** The user's messages on their way to the service. One that fails stays until it is sent or edited. */
export function useMessages(session: Session, messages: readonly Message[]) {
  const { client, keys, typed } = useChatSessions();
  const labels = useLabels();
  const change = useChangeSession();
  const { tell, tellFailure, dismiss } = useToasts();
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
      if (isUseless(message, now)) {
        tellRegenerateFailed(error, message);
      } else if (!query?.isActive()) {
        tellFailure({ id: `send ${message.id}`, title: labels.sendFailed, error, retry: () => send(message) });
      }
    },
  });
  const send = (message: OutgoingMessage) => {
    dismiss(`send ${message.id}`);
    typed.send(message);
    sending.mutate(message);
  };
  const tellRegenerateFailed = (error: Error, message: OutgoingMessage) => {
    const id = `send ${message.id}`;
    if (error instanceof MovedOn) {
      tell(id, labels.movedOn);
    } else {
      tellFailure({ id, title: labels.regenerateFailed, error, retry: () => send(message) });
    }
  };

  // Whichever attempt stored a message, it now shows as the service's.
  useEffect(() => {
    for (const { message, state } of unsent) {
      if (stored.has(message.id) || (state !== "sending" && isUseless(message, messages))) {
        typed.arrived(message.id);
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

/** It repeats a message that is still there. */
function isUseless({ isRepeat, original }: OutgoingMessage, messages: readonly Message[]): boolean {
  return isRepeat === true && messages.some(({ id }) => id === original?.id);
}
