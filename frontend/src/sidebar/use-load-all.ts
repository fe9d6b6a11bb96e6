import { useEffect } from "react";

export interface Page {
  hasMore: boolean;
  isLoading: boolean;
  error: Error | null;
  load: () => void;
}

/** Loads page after page while `isWanted` is true. */
export function useLoadAll(isWanted: boolean, page: Page, onFailure: (error: Error) => void): void {
  useEffect(() => {
    if (!isWanted || !page.hasMore || page.isLoading) {
      return;
    }
    if (page.error) {
      onFailure(page.error);
    } else {
      page.load();
    }
  });
}
