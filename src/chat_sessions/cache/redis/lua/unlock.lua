-- Gives a lock back, unless it has expired, gone with its session, or passed to somebody else.
-- KEYS: lock   ARGV: token of the caller
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
