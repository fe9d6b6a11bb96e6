-- Answers with 0 and counts a request, or with the time (us) until the next one is let through (GCRA).
-- The key says when the last of the requests would have come, had they come evenly; it is of no use after that.
-- KEYS: rate   ARGV: time between two requests us, most requests ahead of their time
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local known = tonumber(redis.call('GET', KEYS[1]) or 0)
-- More than a burst ahead only if the limit was another one, or the clock has been set back.
local due = math.max(now, math.min(known, now + interval * burst))
local wait = due - now - interval * (burst - 1)
if wait <= 0 then
  due = due + interval
end
if due ~= known then
  -- A server whose memory is full refuses the first write of a script if that needs memory, but none after it.
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[1], string.format('%.0f', due), 'PX', math.ceil((due - now) / 1000))
end
return math.max(wait, 0)
