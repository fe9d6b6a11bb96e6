-- Writes an entry where no hold stands and the reader's ticket is younger than a hold lives.
-- The age is taken from this server's clock: a command that waited in a socket is late, whoever sent it in time.
-- KEYS: entry, hold   ARGV: field, value, last valid ms, ttl s, most fields
if redis.call('EXISTS', KEYS[2]) == 1 then
  return 0
end
local now = redis.call('TIME')
if now[1] * 1000 + math.floor(now[2] / 1000) > tonumber(ARGV[3]) then
  return 0
end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) then
  redis.call('DEL', KEYS[1])
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if redis.call('TTL', KEYS[1]) < 0 then
  redis.call('EXPIRE', KEYS[1], ARGV[4])
end
return 1
