"""What may be forgotten: cached responses, the event feed, the rate limit. Only `redis/` knows Redis."""
