import { useMemo, useSyncExternalStore } from "react";
import { useChatSessions } from "./context";
import type { OutgoingMessage, Sending } from "./typed-text";

const NONE: readonly OutgoingMessage[] = [];
const NOT_SENDING: ReadonlyMap<string, Sending> = new Map();

export function useDraft(chat: string): [text: string, setText: (text: string) => void] {
  const { typed } = useChatSessions();
  const text = useSyncExternalStore(
    typed.subscribe,
    () => typed.draftOf(chat),
    () => "",
  );
  return [text, (next) => typed.setDraft(chat, next)];
}

/** The id of the stored message that is being edited, if any. */
export function useEditedId(chat: string): string | null {
  const { typed } = useChatSessions();
  return useSyncExternalStore(
    typed.subscribe,
    () => typed.editedIn(chat),
    () => null,
  );
}

/** The outgoing messages of a chat, with their state. */
export function useOutgoing(chat: string): { message: OutgoingMessage; state: Sending | undefined }[] {
  const { typed } = useChatSessions();
  const all = useSyncExternalStore(typed.subscribe, typed.outgoing, () => NONE);
  const sending = useSyncExternalStore(typed.subscribe, typed.sending, () => NOT_SENDING);
  return useMemo(
    () =>
      all.filter((message) => message.chat === chat).map((message) => ({ message, state: sending.get(message.id) })),
    [all, sending, chat],
  );
}

/** Everything that was typed into a chat and is not stored. */
export function useTypedText(chat: string): string {
  const { typed } = useChatSessions();
  return useSyncExternalStore(
    typed.subscribe,
    () => typed.textOf(chat),
    () => "",
  );
}
