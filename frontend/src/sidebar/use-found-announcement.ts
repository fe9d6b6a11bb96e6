import { useEffect } from "react";
import { useAnnounce } from "../feedback/announcer";
import { useLanguage } from "../labels/context";

/** Says how many chats a search has found; that there are none is said by what stands in their place. */
export function useFoundAnnouncement(search: string, total: number | undefined): void {
  const { labels, format } = useLanguage();
  const announce = useAnnounce();
  useEffect(() => {
    if (search !== "" && total) {
      announce(labels.found(total, format.number(total)));
    }
  }, [search, total, announce, labels, format]);
}
