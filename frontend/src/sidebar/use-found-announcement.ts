import { useEffect } from "react";
import { useAnnounce } from "../feedback/announcer";
import { useLanguage } from "../labels/context";

interface Found {
  search: string;
  count: number;
  hasMore: boolean;
}

/** Announces how many chats a search has found. If there are none, the empty state says so. */
export function useFoundAnnouncement(found: Found | null): void {
  const { labels, format } = useLanguage();
  const announce = useAnnounce();
  const { search, count = 0, hasMore } = found ?? {};
  useEffect(() => {
    if (search !== undefined && count > 0) {
      announce((hasMore ? labels.foundSoFar : labels.found)(count, format.number(count)));
    }
  }, [search, count, hasMore, announce, labels, format]);
}
