import { CircleAlert, Info, X } from "lucide-react";
import { createContext, type ReactNode, useContext, useEffect, useId, useMemo, useRef, useState } from "react";
import { createPortal } from "react-dom";
import toast, { type Toast, useToaster } from "react-hot-toast/headless";
import { type Language, useLabels, useLanguage } from "../labels/context";
import { reasonOf } from "../labels/reason";
import { useDeletedIds } from "../sessions/deleted-sessions";
import { PERSISTENT } from "../ui/modal";
import { ROOT } from "../ui/theme";
import { useFocusKeeper } from "../ui/use-focus-keeper";
import { useIsClient } from "../ui/use-is-client";
import styles from "./toasts.module.css";

const LONG_ENOUGH_TO_ACT = 15_000;
const LONG_ENOUGH_TO_READ = 6_000;

interface Failure {
  /** A toast replaces an earlier one with the same id. */
  id: string;
  /** The chat that it is about: if the chat is deleted, the toast goes too. */
  chat?: string;
  title: ReactNode;
  error: Error;
  /** Replaces the reason derived from the error. */
  reason?: ReactNode;
  /** Replaces "Retry". */
  action?: string;
  retry: () => unknown;
}

interface Action {
  label: string;
  run: () => unknown;
}

interface Toaster {
  notify: (id: string, title: ReactNode, action?: Action) => void;
  notifyFailure: (failure: Failure) => void;
  /** Removes a toast that no longer applies. */
  dismiss: (id: string) => void;
}

const ToasterContext = createContext<Toaster>({
  notify: () => undefined,
  notifyFailure: () => undefined,
  dismiss: () => undefined,
});
export const useToasts = () => useContext(ToasterContext);

export function Toasts({ children }: { children: ReactNode }) {
  const isClient = useIsClient();
  const toasterId = useId();
  const language = useLanguage();
  const [chats] = useState(() => new Map<string, string>());
  const toaster = useMemo(() => createToaster(toasterId, language, chats), [toasterId, language, chats]);
  const deletedIds = useDeletedIds();
  useEffect(() => {
    for (const [id, chat] of chats) {
      if (deletedIds.has(chat)) {
        toaster.dismiss(id);
      }
    }
  }, [chats, deletedIds, toaster]);
  return (
    <ToasterContext.Provider value={toaster}>
      {children}
      {isClient && <ToastList toasterId={toasterId} />}
    </ToasterContext.Provider>
  );
}

/** `chats` maps the id of a toast to that of its chat. */
function createToaster(toasterId: string, language: Language, chats: Map<string, string>): Toaster {
  return {
    notify: (id, title, action) => {
      const dismiss = () => toast.dismiss(id, toasterId);
      const button = action && <ActionButton label={action.label} run={action.run} onDismiss={dismiss} />;
      toast(<Content icon={<Info aria-hidden />} title={title} action={button} onDismiss={dismiss} />, {
        id,
        toasterId,
        duration: action ? LONG_ENOUGH_TO_ACT : LONG_ENOUGH_TO_READ,
      });
    },
    notifyFailure: ({ id, chat, title, error, reason, action, retry }) => {
      const dismiss = () => toast.remove(id, toasterId);
      if (chat !== undefined) {
        chats.set(id, chat);
      }
      const button = <ActionButton label={action ?? language.labels.retry} run={retry} onDismiss={dismiss} />;
      toast.error(
        <Content
          icon={<CircleAlert aria-hidden />}
          title={title}
          text={reason ?? reasonOf(error, language)}
          action={button}
          onDismiss={dismiss}
        />,
        { id, toasterId, duration: LONG_ENOUGH_TO_ACT, ariaProps: { role: "alert", "aria-live": "assertive" } },
      );
    },
    dismiss: (id) => {
      chats.delete(id);
      toast.remove(id, toasterId);
    },
  };
}

function ToastList({ toasterId }: { toasterId: string }) {
  const labels = useLabels();
  const { toasts, handlers } = useToaster({ removeDelay: 200 }, toasterId);
  const list = useRef<HTMLElement>(null);
  const before = useRef<Element | null>(null);
  // When a toast with the focused button goes, restore the focus.
  useFocusKeeper(list, () => before.current instanceof HTMLElement && before.current.focus());
  return createPortal(
    <section
      ref={list}
      className={styles.viewport}
      aria-label={labels.notifications}
      {...ROOT}
      {...PERSISTENT}
      onMouseEnter={handlers.startPause}
      onMouseLeave={handlers.endPause}
      onFocus={({ currentTarget, relatedTarget }) => {
        handlers.startPause();
        if (!currentTarget.contains(relatedTarget)) {
          before.current = relatedTarget;
        }
      }}
      onBlur={handlers.endPause}
    >
      {toasts.map((item) => (
        <div
          key={item.id}
          className={styles.toast}
          data-type={item.type}
          data-leaving={!item.visible || undefined}
          {...item.ariaProps}
        >
          {contentOf(item)}
        </div>
      ))}
    </section>,
    document.body,
  );
}

function contentOf(item: Toast): ReactNode {
  return typeof item.message === "function" ? item.message(item) : item.message;
}

function ActionButton({ label, run, onDismiss }: Action & { onDismiss: () => void }) {
  return (
    <button
      type="button"
      className={styles.action}
      onClick={() => {
        onDismiss();
        run();
      }}
    >
      {label}
    </button>
  );
}

interface ContentProps {
  icon: ReactNode;
  title: ReactNode;
  text?: ReactNode;
  action?: ReactNode;
  onDismiss: () => void;
}

function Content({ icon, title, text, action, onDismiss }: ContentProps) {
  const labels = useLabels();
  return (
    <>
      {icon}
      <div className={styles.text}>
        <p className={styles.title}>{title}</p>
        {text && <p className={styles.description}>{text}</p>}
      </div>
      {action}
      <button type="button" className={styles.close} aria-label={labels.dismiss} onClick={onDismiss}>
        <X aria-hidden />
      </button>
    </>
  );
}
