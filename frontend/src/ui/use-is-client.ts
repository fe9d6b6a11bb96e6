import { useSyncExternalStore } from "react";

const never = () => () => undefined;

/** False on the server and during hydration. Portals into the document's body render after that. */
export function useIsClient(): boolean {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
}
