-- Releases a lock, unless it has expired, was evicted with its session, or is another caller's.
-- KEYS: lock   ARGV: caller's token
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
