"""What may be forgotten: cached answers, the event feed, the rate limit. Only `redis/` knows Redis."""
