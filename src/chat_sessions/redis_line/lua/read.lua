-- Answers with the cached entry, or with the server's clock (ms): the ticket with which the reader may fill it.
-- Nothing at all while a hold stands: then the reader does not fill.
-- KEYS: entry, hold   ARGV: field, epoch
local entry = redis.call('HGET', KEYS[1], ARGV[1])
if entry and string.sub(entry, 1, #ARGV[2]) == ARGV[2] then
  return entry
end
if redis.call('EXISTS', KEYS[2]) == 1 then
  return false
end
local now = redis.call('TIME')
return now[1] * 1000 + math.floor(now[2] / 1000)
