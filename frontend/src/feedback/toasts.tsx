import { CircleAlert, Info, X } from "lucide-react";
import { createContext, type ReactNode, useContext, useId, useMemo } from "react";
import { createPortal } from "react-dom";
import toast, { type Toast, useToaster } from "react-hot-toast/headless";
import { type Language, useLabels, useLanguage } from "../labels/context";
import { reasonOf } from "../labels/reason";
import { PERSISTENT } from "../ui/modal";
import { useIsClient } from "../ui/use-is-client";
import styles from "./toasts.module.css";

const LONG_ENOUGH_TO_ACT = 15_000;
const LONG_ENOUGH_TO_READ = 6_000;

interface Failure {
  /** A second failure of the same thing takes the place of the first. */
  id: string;
  title: string;
  error: Error;
  retry: () => unknown;
}

interface Toaster {
  tell: (id: string, title: string) => void;
  tellFailure: (failure: Failure) => void;
  /** What it says is no longer so. */
  dismiss: (id: string) => void;
}

const ToasterContext = createContext<Toaster>({
  tell: () => undefined,
  tellFailure: () => undefined,
  dismiss: () => undefined,
});
export const useToasts = () => useContext(ToasterContext);

export function Toasts({ children }: { children: ReactNode }) {
  const isClient = useIsClient();
  const toasterId = useId();
  const language = useLanguage();
  const toaster = useMemo(() => createToaster(toasterId, language), [toasterId, language]);
  return (
    <ToasterContext.Provider value={toaster}>
      {children}
      {isClient && <ToastList toasterId={toasterId} />}
    </ToasterContext.Provider>
  );
}

function createToaster(toasterId: string, language: Language): Toaster {
  return {
    tell: (id, title) =>
      toast(<Content icon={<Info aria-hidden />} title={title} onDismiss={() => toast.dismiss(id, toasterId)} />, {
        id,
        toasterId,
        duration: LONG_ENOUGH_TO_READ,
      }),
    tellFailure: ({ id, title, error, retry }) => {
      const dismiss = () => toast.remove(id, toasterId);
      const action = (
        <button
          type="button"
          className={styles.action}
          onClick={() => {
            dismiss();
            retry();
          }}
        >
          {language.labels.retry}
        </button>
      );
      toast.error(
        <Content
          icon={<CircleAlert aria-hidden />}
          title={title}
          text={reasonOf(error, language)}
          action={action}
          onDismiss={dismiss}
        />,
        { id, toasterId, duration: LONG_ENOUGH_TO_ACT, ariaProps: { role: "alert", "aria-live": "assertive" } },
      );
    },
    dismiss: (id) => toast.remove(id, toasterId),
  };
}

function ToastList({ toasterId }: { toasterId: string }) {
  const labels = useLabels();
  const { toasts, handlers } = useToaster({ removeDelay: 200 }, toasterId);
  return createPortal(
    <section
      className={styles.viewport}
      aria-label={labels.notifications}
      {...PERSISTENT}
      onMouseEnter={handlers.startPause}
      onMouseLeave={handlers.endPause}
      onFocus={handlers.startPause}
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

interface ContentProps {
  icon: ReactNode;
  title: string;
  text?: string;
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
