-- Returns the id of the last event, and how many milliseconds have passed since, by the clock that also made the id.
-- KEYS: events
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local id = last[1] and last[1][1] or '0-0'
local now = redis.call('TIME')
local passed = now[1] * 1000 + math.floor(now[2] / 1000) - tonumber(string.match(id, '^%d+'))
-- Less one, since both times are rounded down.
return {id, math.max(0, passed - 1)}
