import { QueryClient } from "@tanstack/react-query";
import { isPassing, retryAfter } from "../api/problem";
import { OURS } from "./keys";

const SHORT_PAUSE = 600;
// Who would have to wait longer than this is told so, and has a Retry.
const PATIENCE = 3_000;

// "always": what is asked for offline fails at once and says so, instead of waiting unseen for the network.
/** A client of our own, or the host's, which keeps its settings for everything else. */
export function prepared(client = new QueryClient()): QueryClient {
  client.setQueryDefaults(OURS, {
    networkMode: "always",
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 5 * 60_000,
    retry: (failures, error) => failures < 1 && isPassing(error) && retryAfter(error) <= PATIENCE,
    retryDelay: (_, error) => Math.max(SHORT_PAUSE, retryAfter(error)),
    refetchOnMount: true,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    refetchInterval: false,
    throwOnError: false,
  });
  client.setMutationDefaults(OURS, { networkMode: "always", retry: false, throwOnError: false });
  return client;
}
