import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { getSession } from "../api/get-session";
import { isSessionNotFound, retryAfter } from "../api/problem";
import type { Session, Summary } from "../api/types";
import { type SessionEvent, watchSessions } from "../api/watch-sessions";
import { type ChatSessions, useChatSessions } from "./context";
import { mergeSession, refetchAll, refetchFailed, refreshLists } from "./refresh";

/** False while the feed is down: changes from other devices then show only after a refetch. */
const LiveContext = createContext(true);
export const useIsLive = () => useContext(LiveContext);

// Events come in bursts, for example one for each chat of a batch.
const BURST = 40;
// Beyond this, reading whole lists takes fewer requests.
const MAX_SINGLE_READS = 8;

/**
 * Keeps the cache current through the event feed. A hidden page closes its feed, since browsers allow few connections per
 * origin.
 */
export function Live({ children }: { children: ReactNode }) {
  const context = useChatSessions();
  const [isLive, setLive] = useState(true);

  useEffect(() => {
    const position = { lastEventId: "" };
    const burst = gather(context);
    let watching = new AbortController();

    const start = () => {
      watching = new AbortController();
      watchSessions(context.api, {
        signal: watching.signal,
        position,
        onEvent: burst.add,
        onOpen: ({ quietMs }) => {
          setLive(true);
          // Nothing was requested before the context existed.
          const hasMissedNothing = quietMs > context.age();
          (hasMissedNothing ? refetchFailed : refetchAll)(context);
        },
        onLost: () => setLive(false),
      });
    };
    const follow = () => {
      watching.abort();
      if (document.visibilityState === "visible") {
        start();
      }
    };
    follow();
    document.addEventListener("visibilitychange", follow);
    return () => {
      document.removeEventListener("visibilitychange", follow);
      watching.abort();
      burst.drop();
    };
  }, [context]);

  useEffect(() => {
    if (isLive) {
      return;
    }
    const refetch = () => void refetchAll(context);
    addEventListener("focus", refetch);
    return () => removeEventListener("focus", refetch);
  }, [isLive, context]);

  useEffect(() => {
    const retry = () => void refetchFailed(context);
    addEventListener("online", retry);
    return () => removeEventListener("online", retry);
  }, [context]);

  return <LiveContext.Provider value={isLive}>{children}</LiveContext.Provider>;
}

/** Reads the changed sessions again. Deleted ones are in `deleted` already. */
async function read(chats: ChatSessions, events: SessionEvent[]): Promise<void> {
  const { api, client, deleted, keys } = chats;
  if (events.some((event) => event.type === "reset")) {
    await refetchAll(chats);
    return;
  }
  const isTotalChanged = events.some((event) => event.type !== "session.updated");
  const gone = deletedIds(events);
  const changed = [...new Set(events.flatMap((event) => ("id" in event && !gone.has(event.id) ? [event.id] : [])))];

  for (const id of changed) {
    client.invalidateQueries({ queryKey: keys.session(id) });
  }
  if (changed.length > MAX_SINGLE_READS) {
    await client.invalidateQueries({ queryKey: keys.lists });
    return;
  }
  await Promise.all([
    isTotalChanged ? refreshLists(chats) : undefined,
    ...changed.map(async (id) => {
      try {
        mergeSession(chats, summaryOf(await getSession(api, id, { limit: 1 })));
      } catch (error) {
        if (!isSessionNotFound(error)) {
          throw error;
        }
        deleted.addFromFeed([id]);
      }
    }),
  ]).catch(async (error: unknown) => {
    // Wait out Retry-After; events that arrive meanwhile are read together.
    await new Promise((resolve) => setTimeout(resolve, retryAfter(error)));
    await refetchAll(chats);
  });
}

function deletedIds(events: SessionEvent[]): Set<string> {
  return new Set(events.flatMap((event) => (event.type === "session.deleted" ? [event.id] : [])));
}

function summaryOf(session: Session): Summary {
  const { messages: _, has_more_messages: __, oldest_sequence: ___, ...summary } = session;
  return summary;
}

/** Shows deletions at once, and reads the rest burst by burst: while the service is slow, bursts grow, not queues. */
function gather(context: ChatSessions) {
  let arrived: SessionEvent[] = [];
  const unread: SessionEvent[] = [];
  let isReading = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const flush = async () => {
    timer = undefined;
    context.deleted.addFromFeed(deletedIds(arrived));
    unread.push(...arrived);
    arrived = [];
    if (isReading) {
      return;
    }
    isReading = true;
    while (unread.length > 0) {
      // Report the error, and go on with the next burst.
      await read(context, unread.splice(0)).catch(reportError);
    }
    isReading = false;
  };

  return {
    add: (event: SessionEvent) => {
      arrived.push(event);
      timer ??= setTimeout(flush, BURST);
    },
    drop: () => clearTimeout(timer),
  };
}
