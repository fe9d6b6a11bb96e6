-- Evicts a user's changed sessions, sets their holds, publishes the changes, and releases the writers' locks.
-- The sweeper runs after the writers, and does not repeat what they have published, which the holds record.
-- KEYS: list, list's hold, events, total, then for each session: entry, hold, lock
-- ARGV: hold ms, feed length, feed TTL s, '1' from the sweeper, then for each session: id, change, lock token
local hold_ms, length, ttl, swept = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1'
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], '', 'PX', hold_ms)
local published, total_changed = 0, false
for i = 0, (#KEYS - 4) / 3 - 1 do
  local entry, hold, lock = KEYS[5 + 3 * i], KEYS[6 + 3 * i], KEYS[7 + 3 * i]
  local id, change, token = ARGV[5 + 3 * i], ARGV[6 + 3 * i], ARGV[7 + 3 * i]
  local known = redis.call('GET', hold) or ''
  total_changed = total_changed or change ~= 'updated'
  if change == 'archived' then
    change = 'updated'
  end
  redis.call('DEL', entry)
  if change == 'deleted' or (token ~= '' and redis.call('GET', lock) == token) then
    redis.call('DEL', lock)
  end
  if not (swept and (string.find(known, change, 1, true) or string.find(known, 'deleted', 1, true))) then
    redis.call('XADD', KEYS[3], 'MAXLEN', '~', length, '*', 'change', change, 'id', id)
    published = published + 1
  end
  redis.call('SET', hold, string.find(known, change, 1, true) and known or known .. ' ' .. change, 'PX', hold_ms)
end
if total_changed then
  redis.call('DEL', KEYS[4])
end
if published > 0 then
  redis.call('EXPIRE', KEYS[3], ttl)
  redis.call('PUBLISH', KEYS[3], '')
end
return published
