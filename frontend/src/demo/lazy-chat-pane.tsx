import { useCallback, useEffect, useState } from "react";
import { unreachable } from "../api/problem";
import header from "../pane/chat-header.module.css";
import type { ChatPaneProps } from "../pane/chat-pane";
import styles from "../pane/chat-pane.module.css";
import { Failed, Loading } from "../pane/pane-states";
import { ROOT } from "../ui/theme";

type Pane = typeof import("../pane/chat-pane");

let loaded: Pane | null = null;

async function load(): Promise<Pane> {
  loaded ??= await import("../pane/chat-pane");
  return loaded;
}

export function preloadPane(): void {
  // A failure shows when a chat is opened.
  load().catch(() => undefined);
}

/** Loads the code of the chat pane on the first pointer move or focus, so that the list loads without it. */
export function usePreloadedPane(): void {
  useEffect(() => {
    addEventListener("pointerover", preloadPane, { once: true });
    addEventListener("focusin", preloadPane, { once: true });
    return () => {
      removeEventListener("pointerover", preloadPane);
      removeEventListener("focusin", preloadPane);
    };
  }, []);
}

/** The chat pane, once its code has loaded. */
export function LazyChatPane(props: ChatPaneProps) {
  const [pane, setPane] = useState(loaded);
  const [error, setError] = useState<Error | null>(null);
  const tryToLoad = useCallback(() => {
    setError(null);
    load().then(setPane, (cause: unknown) => setError(unreachable(cause)));
  }, []);

  useEffect(() => {
    if (pane) {
      return;
    }
    tryToLoad();
    addEventListener("online", tryToLoad);
    return () => removeEventListener("online", tryToLoad);
  }, [pane, tryToLoad]);

  if (pane) {
    return <pane.ChatPane {...props} />;
  }
  return (
    <section {...ROOT} className={styles.pane} aria-label="Chat">
      <header className={header.header}>{props.lead}</header>
      {error ? <Failed error={error} isRetrying={false} onRetry={tryToLoad} /> : <Loading />}
    </section>
  );
}
