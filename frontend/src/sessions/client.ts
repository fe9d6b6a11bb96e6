import { QueryClient } from "@tanstack/react-query";
import { isTransient, retryAfter } from "../api/problem";
import { OURS } from "./keys";

const SHORT_PAUSE = 600;
// Instead of a longer wait, show the error with Retry.
const MAX_WAIT = 3_000;

/** Our own client, or the host's, which keeps its settings for everything else. */
export function prepared(client = new QueryClient()): QueryClient {
  client.setQueryDefaults(OURS, {
    // Offline, requests fail at once and show that, instead of waiting for the network.
    networkMode: "always",
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 5 * 60_000,
    retry: (failures, error) => failures < 1 && isTransient(error) && retryAfter(error) <= MAX_WAIT,
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
