-- Takes a lock for a while, or returns 0 because somebody else holds it. To ask again after a lost answer does no harm.
-- KEYS: lock   ARGV: token of the caller, life ms
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
-- A server whose memory is full refuses the first write of a script if that needs memory, but none after it.
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
