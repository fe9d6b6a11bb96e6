-- Returns the cached entry; or, for a reader that may fill it, the user's generation and the server's clock (ms);
-- or nothing while a hold stands.
-- A generation that is missing, or was begun in another run of the server, is replaced: its entries and tickets are void.
-- KEYS: entry, hold, generation   ARGV: field, run, a new generation, life of a generation s
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
  -- A server whose memory is full refuses the first write of a script if that needs memory, but none after it.
  redis.call('DEL', KEYS[3])
  redis.call('SET', KEYS[3], generation, 'EX', ARGV[4])
end
local now = redis.call('TIME')
return {generation, now[1] * 1000 + math.floor(now[2] / 1000)}
