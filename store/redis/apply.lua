-- Applies one change: it checks everything, and only then writes. Its arguments
-- are written by encode in apply.go, in the order in which they are read here.
-- KEYS beyond those of due.lua: 6 numbers, 7 tokens, 8 counters, 9 audit, then
-- one for each kind of record and one for each index.
local pos = 0
local function arg()
  pos = pos + 1
  return ARGV[pos]
end
local function num() return tonumber(arg()) end

-- The token of the sender's last change but those that it still waits for: a
-- change that is sent again, its answer lost, is not carried out again.
local slot, token, keep = arg(), num(), arg()
local last = tonumber(call('HGET', KEYS[7], slot) or '') or 0
if last >= token then return {'done'} end

-- Only the record whose key starts with this part stands between these; recordRange
-- in keys.go is the same for reading.
local function first(id) return '[' .. id end
local function past(id) return '(' .. string.sub(id, 1, -2) .. '\2' end

local function stale(ordinal, found, id)
  return {'version', tostring(ordinal), found and string.match(found, '^%d+', #id + 1) or '0'}
end

-- there looks for records that must not exist yet, given at pos as parts of keys in
-- their order, and returns which of the i-th to the j-th is there. It counts those of
-- a whole stretch, and then of its halves: a launch writes hundreds at a time, of
-- which many stand side by side with nothing between them.
local function there(key, i, j)
  if call('ZLEXCOUNT', key, first(ARGV[pos + i]), past(ARGV[pos + j])) == 0 then return nil end
  if i == j then return i end
  local middle = math.floor((i + j) / 2)
  return there(key, i, middle) or there(key, middle + 1, j)
end

-- What is replaced is taken out in one call for all, as the members that they are.
-- The append-only file and replicas get those once more, which for a short one is
-- not more than its range would be; a long one is taken out by its range.
local LONG = 512
local kinds, replaced = num(), {}
local ordinal = 0
for k = 1, kinds do
  local key, gone = KEYS[9 + k], {long = {}}
  local fresh = num()
  if fresh > 0 then
    local i = there(key, 1, fresh)
    if i then
      local id = ARGV[pos + i]
      return stale(ordinal + i, call('ZRANGEBYLEX', key, first(id), past(id))[1], id)
    end
    pos, ordinal = pos + fresh, ordinal + fresh
  end
  for _ = 1, num() do
    local id, want = arg(), arg()
    local found = call('ZRANGEBYLEX', key, first(id), past(id))[1]
    ordinal = ordinal + 1
    if not found or string.sub(found, #id + 1, #id + #want) ~= want then return stale(ordinal, found, id) end
    if #found > LONG then
      gone.long[#gone.long + 1] = {first(id), past(id)}
    else
      gone[#gone + 1] = found
    end
  end
  replaced[k] = gone
end

local ends = {}
for i = 1, num() do
  local id, held, retry = arg(), arg(), arg()
  local e = load_entry(id)
  if not e or e[TOKEN] == '' or e[TOKEN] ~= held then return {'lease', id} end
  ends[i] = {id, e, tonumber(retry)}
end

-- The first write, here or below, is one that a server without memory refuses,
-- and with it all.
local function negative(n)
  if string.sub(n, 1, 1) == '-' then return string.sub(n, 2) end
  return '-' .. n
end
for i = 1, num() do
  local name, by = arg(), arg()
  local sum = redis.pcall('HINCRBY', KEYS[8], name, by)
  if type(sum) == 'table' then -- it would overflow: take back the ones before
    for j = 2, 2 * i - 2, 2 do call('HINCRBY', KEYS[8], ARGV[pos - j - 1], negative(ARGV[pos - j])) end
    return sum
  end
  if sum == 0 then call('HDEL', KEYS[8], name) end
end

local places = num()
local number = call('INCRBY', KEYS[6], places) - places
local function next_number()
  number = number + 1
  return number
end

if call('HSET', KEYS[7], slot, token) == 1 or keep ~= '' then call('EXPIRE', KEYS[7], 86400) end

for k = 1, kinds do
  local key, gone = KEYS[9 + k], replaced[k]
  if #gone > 0 then call('ZREM', key, unpack(gone)) end
  for _, range in ipairs(gone.long) do call('ZREMRANGEBYLEX', key, range[1], range[2]) end
  local n = num()
  if n > 0 then
    call('ZADD', key, unpack(ARGV, pos + 1, pos + 2 * n))
    pos = pos + 2 * n
  end
end

for i = 1, num() do
  local key = KEYS[9 + kinds + i]
  local added = num()
  if added > 0 then
    call('ZADD', key, unpack(ARGV, pos + 1, pos + 2 * added))
    pos = pos + 2 * added
  end
  local removed = num()
  if removed > 0 then
    call('ZREM', key, unpack(ARGV, pos + 1, pos + removed))
    pos = pos + removed
  end
end

local audited = num()
if audited > 0 then
  call('RPUSH', KEYS[9], unpack(ARGV, pos + 1, pos + audited))
  pos = pos + audited
end

for i = 1, #ends do finish(ends[i][1], ends[i][2], ends[i][3]) end
local entries, ids, lanes, serials, times = num(), {}, {}, {}, {}
for i = 1, entries do ids[i], lanes[i], serials[i], times[i] = arg(), arg(), arg(), num() end
change_entries(entries, ids, lanes, serials, times, next_number)

local channel, message = arg(), arg()
if channel ~= '' then redis.pcall('PUBLISH', channel, message) end
return {'ok'}
