-- Counts a request and returns 0, or returns the time (us) until the next one is admitted (GCRA).
-- The key holds the theoretical arrival time of the last request, and expires then.
-- KEYS: rate   ARGV: interval us, burst
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local known = tonumber(redis.call('GET', KEYS[1]) or 0)
-- It is more than a burst ahead only after the limit was changed or the clock was set back.
local due = math.max(now, math.min(known, now + interval * burst))
local wait = due - now - interval * (burst - 1)
if wait <= 0 then
  due = due + interval
end
if due ~= known then
  -- With its memory full, Redis refuses a script's first write if it needs memory, but no later one.
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[1], string.format('%.0f', due), 'PX', math.ceil((due - now) / 1000))
end
return math.max(wait, 0)
