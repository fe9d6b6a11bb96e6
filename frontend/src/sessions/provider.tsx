import { type QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useContext, useEffect, useRef, useState } from "react";
import { createApi, type GetToken } from "../api/client";
import { Announcer } from "../feedback/announcer";
import { Toasts } from "../feedback/toasts";
import { type LanguageProps, LanguageProvider } from "../labels/context";
import { Callbacks, type ChatCallbacks, Listeners, watchErrors } from "./callbacks";
import { prepared } from "./client";
import { type ChatSessions, ChatSessionsContext } from "./context";
import { DeletedSessions } from "./deleted-sessions";
import { createQueryKeys } from "./keys";
import { Live } from "./live";
import { stopwatch } from "./stopwatch";
import { TypedText } from "./typed-text";

export interface ChatSessionsProviderProps extends LanguageProps, ChatCallbacks {
  /** The URL of the service; "" for the origin of the page. */
  baseUrl: string;
  /** Called before each request. Cache the token until `refresh` is true, which means that the service rejected it. */
  getToken: GetToken;
  /** Identifies the user: drafts and unsent messages are kept under it until the browser tab is closed. */
  user?: string | undefined;
  /** The host's own client, to keep the chats in. */
  queryClient?: QueryClient | undefined;
  children?: ReactNode;
}

/** Shares one cache, one event feed and one list of toasts. A change of `user` or `baseUrl` starts with an empty cache. */
export function ChatSessionsProvider(props: ChatSessionsProviderProps) {
  return <Provider key={JSON.stringify([props.baseUrl, props.user])} {...props} />;
}

function Provider(props: ChatSessionsProviderProps) {
  const { baseUrl, getToken, user = "", queryClient, labels, locale, children, ...callbacks } = props;
  const latestGetToken = useRef(getToken);
  useEffect(() => {
    latestGetToken.current = getToken;
  });
  const [context] = useState<ChatSessions>(() => ({
    api: createApi(baseUrl, (options) => latestGetToken.current(options)),
    client: prepared(queryClient),
    keys: createQueryKeys(),
    deleted: new DeletedSessions(),
    typed: new TypedText(user),
    listeners: new Listeners(),
    age: stopwatch(),
  }));
  const { client, keys, listeners } = context;
  useEffect(() => watchErrors(client, keys, (error) => listeners.emit("onError", error)), [client, keys, listeners]);
  return (
    <QueryClientProvider client={client}>
      <ChatSessionsContext.Provider value={context}>
        <Callbacks {...callbacks} />
        <LanguageProvider labels={labels} locale={locale}>
          <Announcer>
            <Toasts>
              <Live>{children}</Live>
            </Toasts>
          </Announcer>
        </LanguageProvider>
      </ChatSessionsContext.Provider>
    </QueryClientProvider>
  );
}

/** Adds a provider unless there is one above; in that case, adds only labels and callbacks. */
export function WithinProvider({ baseUrl, getToken, user, queryClient, ...props }: Partial<ChatSessionsProviderProps>) {
  const isWithin = useContext(ChatSessionsContext) !== null;
  if (!isWithin) {
    if (baseUrl === undefined || getToken === undefined) {
      throw new Error("Give this component a `baseUrl` and a `getToken`, or put it below a <ChatSessionsProvider>.");
    }
    return <ChatSessionsProvider {...{ baseUrl, getToken, user, queryClient, ...props }} />;
  }
  const { labels, locale, children, ...callbacks } = props;
  return (
    <LanguageProvider labels={labels} locale={locale}>
      <Callbacks {...callbacks} />
      {children}
    </LanguageProvider>
  );
}
