import { useEffect, useMemo } from "react";
import type { Message, Session } from "../api/types";
import { useToasts } from "../feedback/toasts";
import { useLabels } from "../labels/context";
import { useChatSessions } from "../sessions/context";
import { titleFrom } from "../sessions/title-from";
import type { OutgoingMessage } from "../sessions/typed-text";
import { useChangeSession } from "../sessions/use-change-session";
import { useSendMessage } from "../sessions/use-send-message";
import { useOutgoing } from "../sessions/use-typed-text";

/** The user's messages from the field to the conversation. One that fails stays until it is sent or edited. */
export function useMessages(session: Session, messages: readonly Message[]) {
  const { client, keys, typed } = useChatSessions();
  const labels = useLabels();
  const change = useChangeSession();
  const { tellFailure, dismiss } = useToasts();
  const unsent = useOutgoing(session.id);

  const sending = useSendMessage(session.id, {
    onStored: ({ sequence, content }) => {
      const title = session.title === null && sequence === 0 ? titleFrom(String(content)) : null;
      if (title !== null) {
        change.mutate({ session, change: { title }, from: null });
      }
    },
    onFailure: (error, message) => {
      const isOnScreen = client
        .getQueryCache()
        .find({ queryKey: keys.session(session.id) })
        ?.isActive();
      if (!isOnScreen) {
        tellFailure({ id: `send ${message.id}`, title: labels.sendFailed, error, retry: () => send(message) });
      }
    },
  });
  const send = (message: OutgoingMessage) => {
    dismiss(`send ${message.id}`);
    typed.send(message);
    sending.mutate(message);
  };

  // What the service has is shown as its message, whichever attempt has brought it there.
  const stored = useMemo(() => new Set(messages.map(({ id }) => id)), [messages]);
  useEffect(() => {
    for (const { message } of unsent) {
      if (stored.has(message.id)) {
        typed.arrived(message.id);
      }
    }
  }, [unsent, stored, typed]);

  return {
    outgoing: unsent.filter(({ message }) => !stored.has(message.id)),
    send,
    edit: (message: OutgoingMessage) => {
      dismiss(`send ${message.id}`);
      typed.edit(message);
    },
  };
}
