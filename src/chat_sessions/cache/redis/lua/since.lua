-- Returns the events after the last one seen, or false if that one has been trimmed: some may have been missed then.
-- KEYS: events   ARGV: id of the last event seen, max events
if ARGV[1] ~= '0-0' and #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then
  return false
end
return redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
