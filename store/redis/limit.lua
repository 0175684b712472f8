-- Takes one call under several rates, or none. KEYS: for each rate the time from
-- which its bucket is full, until when it is held, and the first moment that is not
-- promised. ARGV: whether refused calls get a promise, the longest promise, then
-- for each rate its interval, how many calls may come at once, and how many are
-- taken. All times are in microseconds of the server's clock. Returns how long to wait, 0 when taken.
--
-- The bucket is the one of redis_rate (the generic cell rate algorithm): a key
-- holds one moment, and an idle one is gone.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local promises, most = ARGV[1] == '1', tonumber(ARGV[2])
local rates, wait, slowest = #KEYS / 3, 0, 0
local full, taken = {}, {}

local function keep(key, at)
  redis.call('SET', key, string.format('%.0f', at), 'PX', math.ceil((at - now) / 1000) + 1)
end

for i = 1, rates do
  local interval, at_once = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  taken[i] = interval * tonumber(ARGV[3 * i + 2])
  full[i] = math.max(now, tonumber(redis.call('GET', KEYS[3 * i - 2]) or 0))
  local held = tonumber(redis.call('GET', KEYS[3 * i - 1]) or 0)
  local mine = math.max(full[i] + taken[i] - interval * at_once, held) - now
  if mine > wait then wait, slowest = mine, i end
end

if slowest == 0 then
  for i = 1, rates do keep(KEYS[3 * i - 2], full[i] + taken[i]) end
  return 0
end
if not promises then return math.ceil(wait) end

local key = KEYS[3 * slowest]
local at = math.max(now + wait, tonumber(redis.call('GET', key) or 0))
if at - now > most then return most end
keep(key, at + taken[slowest])
return math.ceil(at - now)
