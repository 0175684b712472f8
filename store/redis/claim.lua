-- Claims what is due in one scope, or only looks when asked for none. ARGV: the
-- time by campaign.Clock in ms, the lease in microseconds, how many at most, the
-- lanes, the token that those of the leases begin with, and 1 when this is sent
-- again because the answer was lost: then what it leased is returned.
local now, lease, left, lanes, token, again = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
local clock = call('TIME')
local real = clock[1] * 1000000 + clock[2]

for _, id in ipairs(call('ZRANGEBYSCORE', KEYS[5], '-inf', real, 'LIMIT', 0, 1000)) do
  local e = load_entry(id)
  call('ZREM', KEYS[5], id)
  e[UNTIL], e[EXPIRED] = 0, 1
  wait(id, e)
  save(id, e)
end

local out = {'', '', ''}
local leases = 0

-- tell appends an entry as it was before it was leased.
local function tell(id, e, held, tries, expired)
  for _, v in ipairs({id, tostring(e[LANE]), e[SERIAL], string.format('%.0f', e[AT]), held, tostring(tries), tostring(expired)}) do
    out[#out + 1] = v
  end
  left = left - 1
end

if again == '1' then
  for _, id in ipairs(call('ZRANGE', KEYS[5], 0, -1)) do
    local e = load_entry(id)
    if string.sub(e[TOKEN], 1, #token) == token then
      tell(id, e, e[TOKEN], e[TRIES] - 1, e[EXPIRED])
      leases = leases + 1
    end
  end
  if leases > 0 then left = 0 end
end

for lane = 0, 1 do
  if left > 0 and string.find(lanes, tostring(lane), 1, true) then
    for _, member in ipairs(call('ZRANGEBYSCORE', KEYS[2 + lane], '-inf', now, 'LIMIT', 0, left)) do
      local id = string.sub(member, 7)
      local e = load_entry(id)
      local held = token .. leases
      leases = leases + 1
      call('ZREM', KEYS[2 + lane], member)
      tell(id, e, held, e[TRIES], e[EXPIRED])
      e[TOKEN], e[UNTIL], e[TRIES] = held, real + lease, e[TRIES] + 1
      call('ZADD', KEYS[5], e[UNTIL], id)
      save(id, e)
    end
  end
end

for i = 1, 2 do out[i] = call('ZRANGE', KEYS[1 + i], 0, 0, 'WITHSCORES')[2] or '' end
local ending = call('ZRANGE', KEYS[5], 0, 0, 'WITHSCORES')[2]
if ending then out[3] = string.format('%.0f', tonumber(ending) - real) end
return out
