-- Returns the stamp and the cached response; on a miss a ticket, which is the user's generation and the server's clock
-- (ms); or nothing while there is a hold.
-- A generation that is missing or from another run of the server is replaced, which voids its entries and tickets.
-- KEYS: entry, hold, generation   ARGV: field, field of the stamp, run, new generation, generation TTL s
local generation = redis.call('GET', KEYS[3])
if generation and string.sub(generation, 1, #ARGV[3]) == ARGV[3] then
  local stamp = redis.call('HGET', KEYS[1], ARGV[2])
  if stamp and string.sub(stamp, 1, #generation + 1) == generation .. '.' then
    return {stamp, redis.call('HGET', KEYS[1], ARGV[1])}
  end
else
  generation = false
end
if redis.call('EXISTS', KEYS[2]) == 1 then
  return false
end
if not generation then
  generation = ARGV[4]
  -- With its memory full, Redis refuses a script's first write if it needs memory, but no later one.
  redis.call('DEL', KEYS[3])
  redis.call('SET', KEYS[3], generation, 'EX', ARGV[5])
end
local now = redis.call('TIME')
return {generation, now[1] * 1000 + math.floor(now[2] / 1000)}
