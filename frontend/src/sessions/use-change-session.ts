import { type InfiniteData, useMutation } from "@tanstack/react-query";
import { changeSession } from "../api/change-session";
import { isSessionNotFound } from "../api/problem";
import { RenamedElsewhere, renameSession } from "../api/rename-session";
import type { Session, SessionChange, Summary } from "../api/types";
import { useChatSessions } from "./context";
import { type Listing, listingOf } from "./keys";
import { mergeSession, refreshLists } from "./refresh";
import { findSession, placed, type SessionPages, withChange } from "./session-pages";

interface Change {
  session: Summary;
  change: SessionChange;
  /** The title that the user saw: if it has changed since, the rename fails. */
  from?: string | null;
}

/** Renames, pins and archives optimistically: the change shows at once, and is undone if the request fails. */
export function useChangeSession() {
  const chats = useChatSessions();
  const { api, client, deleted, keys, listeners } = chats;
  const update = (put: (data: SessionPages, listing: Listing) => SessionPages) => {
    for (const query of client.getQueryCache().findAll({ queryKey: keys.lists })) {
      const listing = listingOf(query);
      client.setQueryData<SessionPages>(query.queryKey, (data) => data && listing && put(data, listing));
    }
  };

  return useMutation({
    mutationKey: keys.all,
    mutationFn: ({ session: { id }, change, from }: Change) =>
      typeof change.title === "string" && from !== undefined
        ? renameSession(api, id, { title: change.title, from })
        : changeSession(api, id, change),
    onMutate: async ({ session, change }) => {
      await client.cancelQueries({ queryKey: keys.lists, predicate: (query) => query.state.data !== undefined });
      const before =
        findSession(client.getQueryData(keys.list({ q: "", archived: session.is_archived })), session.id) ?? session;
      const expected = { ...before, ...withoutNulls(change) };
      update((data, listing) => changed(data, listing, expected, change));
      return before;
    },
    onSuccess: (session, { change }) => {
      mergeSession(chats, session);
      if (change.is_archived !== undefined) {
        refreshLists(chats).catch(() => undefined);
      }
      const { title, is_pinned, is_archived } = session;
      client.setQueryData<InfiniteData<Session>>(
        keys.session(session.id),
        (data) => data && { ...data, pages: data.pages.map((page) => ({ ...page, title, is_pinned, is_archived })) },
      );
      client.invalidateQueries({ queryKey: keys.session(session.id) });
      listeners.emit(callbackOf(change), session);
    },
    onError: (error, { session, change }, before = session) => {
      if (isSessionNotFound(error)) {
        deleted.add([session.id]);
        return;
      }
      const title = error instanceof RenamedElsewhere ? error.title : before.title;
      update((data, listing) => {
        const now = findSession(data, session.id) ?? (change.is_archived === undefined ? undefined : before);
        return now ? changed(data, listing, { ...now, ...undone(change, { ...before, title }) }, change) : data;
      });
    },
  });
}

/** A list with a changed session. Search results keep their order, pinned or archived or not. */
function changed(data: SessionPages, listing: Listing, session: Summary, change: SessionChange): SessionPages {
  if (listing.q !== "" || (change.is_archived === undefined && change.is_pinned === undefined)) {
    return withChange(data, session.id, session);
  }
  return placed(data, listing, session);
}

/** Undoes only the fields of this change, since others may have been changed successfully meanwhile. */
function undone(change: SessionChange, { title, is_pinned, is_archived }: Summary): Partial<Summary> {
  return {
    ...(change.title !== undefined && { title }),
    ...(change.is_pinned !== undefined && { is_pinned }),
    ...(change.is_archived !== undefined && { is_archived }),
  };
}

function withoutNulls({ title, is_pinned, is_archived }: SessionChange): Partial<Summary> {
  return {
    ...(typeof title === "string" && { title }),
    ...(typeof is_pinned === "boolean" && { is_pinned }),
    ...(typeof is_archived === "boolean" && { is_archived }),
  };
}

function callbackOf({ is_pinned, is_archived }: SessionChange) {
  return is_archived !== undefined ? "onArchived" : is_pinned !== undefined ? "onPinned" : "onRenamed";
}
