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
import { createKeys } from "./keys";
import { Live } from "./live";
import { TypedText } from "./typed-text";

export interface ChatSessionsProviderProps extends LanguageProps, ChatCallbacks {
  /** Where the service is; "" for the origin of the page. */
  baseUrl: string;
  /** Called before each request; keep the token until `refresh` is true, which means that it was refused. */
  getToken: GetToken;
  /** Whose chats they are: what was typed and not sent is kept under this name, until the browser's tab is closed. */
  user?: string | undefined;
  /** The host's own client, if the chats should be kept there. */
  queryClient?: QueryClient | undefined;
  children?: ReactNode;
}

/** Shares one cache, one event feed and one place for toasts. Another `user` or service starts with nothing. */
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
    keys: createKeys(),
    deleted: new DeletedSessions(),
    typed: new TypedText(user),
    listeners: new Listeners(),
  }));
  const { client, keys, listeners } = context;
  useEffect(() => watchErrors(client, keys, (error) => listeners.tell("onError", error)), [client, keys, listeners]);
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

/** A provider only where there is none above; there it brings nothing but its own words and callbacks. */
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
