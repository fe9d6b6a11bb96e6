-- Returns the cached response; on a miss a ticket, which is the user's generation and the server's clock (ms); or
-- nothing while there is a hold.
-- A generation that is missing or from another run of the server is replaced, which voids its entries and tickets.
-- KEYS: entry, hold, generation   ARGV: field, run, new generation, generation TTL s
local generation = redis.call('GET', KEYS[3])
if generation and string.sub(generation, 1, #ARGV[2]) == ARGV[2] then
  local entry = redis.call('HGET', KEYS[1], ARGV[1])
  if entry and string.sub(entry, 1, #generation + 1) == generation .. '\n' then
    return entry
  end
else
  generation = false
end
if redis.call('EXISTS', KEYS[2]) == 1 then
  return false
end
if not generation then
  generation = ARGV[3]
  -- With its memory full, Redis refuses a script's first write if it needs memory, but no later one.
  redis.call('DEL', KEYS[3])
  redis.call('SET', KEYS[3], generation, 'EX', ARGV[4])
end
local now = redis.call('TIME')
return {generation, now[1] * 1000 + math.floor(now[2] / 1000)}
