"""What may be lost: cached responses, the event feed, the rate limit. Only `redis/` imports Redis."""
