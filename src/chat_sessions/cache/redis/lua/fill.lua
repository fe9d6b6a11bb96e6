-- Writes an entry if the reader's ticket is valid: it has the user's generation, there is no hold, and it is younger than
-- a hold's TTL. Returns the outcome.
-- The age is measured by this server's clock: a command that waited in a socket is late, however early it was sent.
-- KEYS: entry, hold, generation, bytes filled
-- ARGV: field, response, field of the stamp, stamp, generation, last valid ms, TTL s, generation TTL s, max responses,
-- max bytes
if redis.call('EXISTS', KEYS[2]) == 1 or redis.call('GET', KEYS[3]) ~= ARGV[5] then
  return 'refused'
end
local now = redis.call('TIME')
if now[1] * 1000 + math.floor(now[2] / 1000) > tonumber(ARGV[6]) then
  return 'refused'
end
if tonumber(redis.call('GET', KEYS[4]) or 0) + #ARGV[2] > tonumber(ARGV[10]) then
  return 'over_share'
end
if redis.call('HLEN', KEYS[1]) >= 2 * tonumber(ARGV[9]) then
  redis.call('DEL', KEYS[1])
end
local written = redis.pcall('HSET', KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
if type(written) == 'table' and written.err then
  return string.find(written.err, 'OOM', 1, true) and 'redis_full' or written
end
if redis.call('TTL', KEYS[1]) < 0 then
  redis.call('EXPIRE', KEYS[1], ARGV[7])
end
redis.call('EXPIRE', KEYS[3], ARGV[8])
redis.call('INCRBY', KEYS[4], #ARGV[2])
if redis.call('TTL', KEYS[4]) < 0 then
  redis.call('EXPIRE', KEYS[4], ARGV[7])
end
return 'stored'
