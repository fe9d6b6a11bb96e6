-- Answers with the events after the last one seen, or with nothing at all, not even an empty list, if that one is not
-- known any more: then some may have been lost.
-- KEYS: events   ARGV: id of the last event seen, most events
if ARGV[1] ~= '0-0' and #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then
  return false
end
return redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
