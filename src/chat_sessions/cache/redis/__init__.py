"""The link to Redis: one server, Sentinel or a cluster, and whether the cache may be trusted."""
