import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useContext, useEffect, useRef, useState } from "react";
import { createApi, type GetToken } from "../api/client";
import { isPassing, retryAfter } from "../api/problem";
import { Announcer } from "../feedback/announcer";
import { Toasts } from "../feedback/toasts";
import { type LanguageProps, LanguageProvider } from "../labels/context";
import { ChatSessionsContext } from "./context";
import { DeletedSessions } from "./deleted-sessions";
import { Live } from "./live";
import { TypedText } from "./typed-text";

export interface ChatSessionsProviderProps extends LanguageProps {
  /** Where the service is; "" for the origin of the page. */
  baseUrl: string;
  /** Called before each request; keep the token until `refresh` is true, which means that it was refused. */
  getToken: GetToken;
  /** Whose chats they are: what was typed and not sent is kept under this name, until the browser's tab is closed. */
  user?: string | undefined;
  children: ReactNode;
}

/** Shares one cache, one event feed and one place for toasts. Give it a `key` per user. */
export function ChatSessionsProvider(props: ChatSessionsProviderProps) {
  const { baseUrl, getToken, user = "", labels, locale, children } = props;
  const latestGetToken = useRef(getToken);
  useEffect(() => {
    latestGetToken.current = getToken;
  });
  const [context] = useState(() => ({
    api: createApi(baseUrl, (options) => latestGetToken.current(options)),
    client: createClient(),
    deleted: new DeletedSessions(),
    typed: new TypedText(user),
  }));
  return (
    <QueryClientProvider client={context.client}>
      <ChatSessionsContext.Provider value={context}>
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

/** A provider only where there is none above; there it brings nothing but its own words. */
export function WithinProvider(props: ChatSessionsProviderProps) {
  return useContext(ChatSessionsContext) ? <LanguageProvider {...props} /> : <ChatSessionsProvider {...props} />;
}

const SHORT_PAUSE = 600;
// Who would have to wait longer than this is told so, and has a Retry.
const PATIENCE = 3_000;

// "always": what is asked for offline fails at once and says so, instead of waiting unseen for the network.
function createClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        networkMode: "always",
        staleTime: Number.POSITIVE_INFINITY,
        gcTime: 5 * 60_000,
        retry: (failures, error) => failures < 1 && isPassing(error) && retryAfter(error) <= PATIENCE,
        retryDelay: (_, error) => Math.max(SHORT_PAUSE, retryAfter(error)),
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
      },
      mutations: { networkMode: "always" },
    },
  });
}
