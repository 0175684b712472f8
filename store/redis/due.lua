-- The due entries of one scope. KEYS: 1 the entries, 2 and 3 what waits in each
-- lane, 4 the serials, 5 the leases.
--
-- An entry is packed as a list: its number, time, lane, the serial as the part
-- of a key, attempts; and while it is leased, or its lease has run out: token,
-- end of the lease in microseconds (0 when it ran out), 1 when this or the lease
-- before it ran out, number and time of its second turn (0 for none).
local call = redis.call
local SEQ, AT, LANE, SERIAL, TRIES, TOKEN, UNTIL, EXPIRED, AGAIN, AGAIN_AT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10

local function load_entry(id)
  local packed = call('HGET', KEYS[1], id)
  if not packed then return nil end
  local e = cmsgpack.unpack(packed)
  if #e == 5 then
    e[TOKEN], e[UNTIL], e[EXPIRED], e[AGAIN], e[AGAIN_AT] = '', 0, 0, 0, 0
  end
  return e
end

local function save(id, e)
  local short = e
  if e[TOKEN] == '' then short = {e[SEQ], e[AT], e[LANE], e[SERIAL], e[TRIES]} end
  call('HSET', KEYS[1], id, cmsgpack.pack(short))
end

-- Members of the waiting sets begin with the entry's number, so that entries of
-- one time stand in the order in which they were added.
local function numbered(id, e) return struct.pack('>I6', e[SEQ]) .. id end

local function wait(id, e) call('ZADD', KEYS[2 + e[LANE]], e[AT], numbered(id, e)) end

local function unwait(id, e) return call('ZREM', KEYS[2 + e[LANE]], numbered(id, e)) end

local function in_serial(id, e) return e[SERIAL] .. numbered(id, e) end

local function head(serial)
  local past = string.sub(serial, 1, -2) .. '\2'
  local member = call('ZRANGEBYLEX', KEYS[4], '[' .. serial, '(' .. past, 'LIMIT', 0, 1)[1]
  return member and string.sub(member, #serial + 7)
end

-- promote makes the head of a serial one that can be claimed, unless it is
-- leased.
local function promote(serial)
  local id = head(serial)
  if not id then return end
  local e = load_entry(id)
  if e[TOKEN] == '' then wait(id, e) end
end

-- drop forgets an entry that neither waits nor is leased.
local function drop(id, e)
  call('HDEL', KEYS[1], id)
  if e[SERIAL] ~= '' then
    call('ZREM', KEYS[4], in_serial(id, e))
    promote(e[SERIAL])
  end
end

-- add_entry takes a number for an entry that gets a new place. One that is only to
-- be restored has 2 added to its lane.
local function add_entry(id, lane, serial, at, number)
  local e = load_entry(id)
  if lane >= 2 then
    if e then return end
    lane = lane - 2
  end
  if not e then
    e = {number(), at, lane, serial, 0, ''}
    local first = serial == '' or not head(serial)
    if serial ~= '' then call('ZADD', KEYS[4], 0, in_serial(id, e)) end
    if first then wait(id, e) end
  elseif e[TOKEN] ~= '' then
    if e[AGAIN] == 0 then e[AGAIN], e[AGAIN_AT] = number(), at end
    e[AGAIN_AT] = math.min(e[AGAIN_AT], at)
  elseif at < e[AT] then
    e[AT] = at
    if call('ZSCORE', KEYS[2 + e[LANE]], numbered(id, e)) then wait(id, e) end
  else
    return
  end
  save(id, e)
end

local function remove_entry(id)
  local e = load_entry(id)
  if not e then return end
  if e[TOKEN] ~= '' then
    e[AGAIN], e[AGAIN_AT] = 0, 0
    return save(id, e)
  end
  unwait(id, e)
  drop(id, e)
end

-- change_entries adds or, where the lane is '', removes n entries, each once. A
-- launch adds hundreds that are new and in no serial: those are written together.
local function change_entries(n, ids, lanes, serials, times, number)
  if n == 0 then return end
  local known, saved, waiting = call('HMGET', KEYS[1], unpack(ids)), {}, {[0] = {}, {}}
  for i = 1, n do
    local id, lane = ids[i], tonumber(lanes[i])
    if not lane then
      remove_entry(id)
    elseif known[i] or serials[i] ~= '' then
      add_entry(id, lane, serials[i], times[i], number)
    else
      local e = {number(), times[i], lane % 2, '', 0}
      local line = waiting[e[LANE]]
      line[#line + 1] = e[AT]
      line[#line + 1] = numbered(id, e)
      saved[#saved + 1] = id
      saved[#saved + 1] = cmsgpack.pack(e)
    end
  end
  if #saved > 0 then call('HSET', KEYS[1], unpack(saved)) end
  for lane = 0, 1 do
    if #waiting[lane] > 0 then call('ZADD', KEYS[2 + lane], unpack(waiting[lane])) end
  end
end

-- finish ends a lease that was checked. retry is nil when the work is done.
local function finish(id, e, retry)
  if e[UNTIL] ~= 0 then call('ZREM', KEYS[5], id) else unwait(id, e) end
  local again, again_at = e[AGAIN], e[AGAIN_AT]
  e[TOKEN] = ''
  if retry then
    e[AT] = retry
    if again ~= 0 then e[AT] = math.min(retry, again_at) end
    wait(id, e)
    return save(id, e)
  end
  if again == 0 then return drop(id, e) end
  if e[SERIAL] ~= '' then call('ZREM', KEYS[4], in_serial(id, e)) end
  e[SEQ], e[AT], e[TRIES] = again, again_at, 0
  save(id, e)
  if e[SERIAL] == '' then return wait(id, e) end
  call('ZADD', KEYS[4], 0, in_serial(id, e))
  promote(e[SERIAL])
end
