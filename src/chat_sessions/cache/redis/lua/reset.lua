-- Evicts everything cached for a user, and publishes one reset: without a generation every entry and ticket is void.
-- The sweeper calls this repeatedly while many notes wait. It publishes only if no reset was published just now.
-- KEYS: generation, list, total, events, recent reset   ARGV: hold ms, feed length, feed TTL s, '1' from the sweeper
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
if ARGV[4] == '1' and redis.call('EXISTS', KEYS[5]) == 1 then
  return 0
end
redis.call('SET', KEYS[5], '', 'PX', ARGV[1])
redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[2], '*', 'change', 'reset', 'id', '')
redis.call('EXPIRE', KEYS[4], ARGV[3])
redis.call('PUBLISH', KEYS[4], '')
return 1
