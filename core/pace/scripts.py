"""The pace's steps inside Redis, each atomic. Times in milliseconds.

Keys of each: the call's window (limit, used, reset by X's clock, length), the stop of this call (code, until, pause,
since), how far we are ahead of X's clock, the answers of the last day by X's clock, the account's cap of them.
"""

_COMMON = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local x_now = now - tonumber(redis.call('GET', KEYS[3]) or 0)

-- The code of a stop, the milliseconds until somebody looks whether it is over, its pause, its beginning.
local function stop()
  local kept = redis.call('HMGET', KEYS[2], 'code', 'until', 'pause', 'since')
  if not kept[1] then return nil end
  local left, pause = tonumber(kept[2]) - now, tonumber(kept[3])
  -- More than its pause: the server's clock was put back. Then it is looked now.
  if left > pause then left = 0 end
  return kept[1], left, pause, tonumber(kept[4]) or now
end

local function window(limit, length)
  local kept = redis.call('HMGET', KEYS[1], 'limit', 'used', 'reset', 'length')
  local known = tonumber(kept[1]) or limit
  local reset, used = tonumber(kept[3]) or 0, tonumber(kept[2]) or 0
  local seconds = tonumber(kept[4]) or length
  if reset <= x_now then return known, 0, x_now + seconds, seconds, true end
  return known, used, reset, seconds, false
end

local function cap_left(cap)
  if cap < 0 then return nil end
  if cap == 0 then cap = tonumber(redis.call('GET', KEYS[5]) or 0) end
  if cap == 0 then return nil end
  redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', x_now - 86400000)
  return cap - redis.call('ZCARD', KEYS[4])
end

local function until_cap_opens()
  local oldest = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')
  if not oldest[2] then return 60000 end
  return math.max(1, tonumber(oldest[2]) + 86400000 - x_now)
end
"""

# Arguments: default limit, default length, calls to spare, cap of answers a day (0: the remembered one; -1: no answer).
# Returns {0, ''}, or {milliseconds to wait, why}.
ADMIT = (
    _COMMON
    + """
local code, left, pause = stop()
if code then
  if left > 0 then return {left, code} end
  -- One goes and looks whether it is over; the others wait for what it finds.
  redis.call('HSET', KEYS[2], 'until', now + pause)
end
local limit, used, reset, length, fresh = window(tonumber(ARGV[1]), tonumber(ARGV[2]))
if used >= limit - tonumber(ARGV[3]) then return {math.max(1, reset - x_now), 'pace'} end
local answers = cap_left(tonumber(ARGV[4]))
if answers and answers <= 0 then return {until_cap_opens(), 'pace_day'} end
if fresh then redis.call('HSET', KEYS[1], 'reset', reset, 'used', 0, 'guess', 1, 'length', length) end
redis.call('HINCRBY', KEYS[1], 'used', 1)
if answers then redis.call('ZADD', KEYS[4], x_now, now .. ':' .. redis.call('INCR', 'pace:answer')) end
return {0, ''}
"""
)

# Arguments: X's time, limit, remaining, reset in seconds (-1: not told), default limit, default length, code of a
# stop or '', pause after a refusal (0: it was none), first pause of a stop, longest pause of a stop, whether this
# answer ends a stop (1 or 0). Returns 'stopped' or 'resumed' when that changed.
LEARN = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local x_now = tonumber(ARGV[1])
redis.call('SET', KEYS[3], now - x_now)
local limit, remaining = tonumber(ARGV[2]), tonumber(ARGV[3])
-- No window of X is longer than a day: a reset beyond that is nonsense, and must not stop us for years.
local reset = math.min(tonumber(ARGV[4]) * 1000, x_now + 86400000)
local pause = tonumber(ARGV[8])

if ARGV[7] ~= '' then
  local before = redis.call('HGET', KEYS[2], 'pause')
  local after = before and math.min(tonumber(before) * 2, tonumber(ARGV[10])) or tonumber(ARGV[9])
  redis.call('HSET', KEYS[2], 'code', ARGV[7], 'until', now + after, 'pause', after)
  redis.call('HSETNX', KEYS[2], 'since', now)
  return before and '' or 'stopped'
end

local kept = redis.call('HMGET', KEYS[1], 'reset', 'used', 'guess')
local own_reset, used = tonumber(kept[1]) or 0, tonumber(kept[2]) or 0
if limit > 0 then redis.call('HSET', KEYS[1], 'limit', limit) end
if reset > x_now and limit > 0 and remaining >= 0 then
  local same = kept[3] == '1' or math.abs(reset - own_reset) <= 2000
  -- X counts what it has seen; we also count what is still under way. A window that is not ours counts as X says.
  used = same and math.max(used, limit - remaining) or limit - remaining
  redis.call('HSET', KEYS[1], 'reset', reset, 'used', used, 'guess', 0)
  -- The length is never told: the longest rest of a window that was ever seen is near it.
  if kept[3] == '1' then redis.call('HSET', KEYS[1], 'length', math.max(1000, reset - x_now)) end
end
if pause > 0 then
  local opens = (reset > x_now) and reset or (x_now + pause)
  local full = tonumber(redis.call('HGET', KEYS[1], 'limit')) or tonumber(ARGV[5])
  redis.call('HSET', KEYS[1], 'reset', opens, 'used', full, 'guess', 0, 'limit', full)
  return ''
end
if ARGV[11] == '1' and redis.call('DEL', KEYS[2]) > 0 then return 'resumed' end
return ''
"""

# Arguments as ADMIT. Returns {free calls, milliseconds until the window ends, its calls, its length, why stopped,
# for how long already}.
LOOK = (
    _COMMON
    + """
local limit, used, reset, length = window(tonumber(ARGV[1]), tonumber(ARGV[2]))
local free, ends_in = limit - tonumber(ARGV[3]) - used, reset - x_now
local code, left, _, since = stop()
local lasted = code and math.max(0, now - since) or 0
if code and left > 0 then return {0, left, limit, length, code, lasted} end
local answers = cap_left(tonumber(ARGV[4]))
if answers and answers <= 0 then return {0, until_cap_opens(), limit, length, 'pace_day', 0} end
if answers then free = math.min(free, answers) end
-- While stopped, one look is allowed when its time has come.
if code then free = math.min(free, 1) end
return {math.max(0, free), math.max(0, ends_in), limit, length, code or '', lasted}
"""
)

# Argument: an id; the key keeps the largest one it was ever given. Compared as text: Lua's numbers end at 53 bits.
REMEMBER = """
local kept = redis.call('GET', KEYS[1]) or '0'
if #ARGV[1] > #kept or (#ARGV[1] == #kept and ARGV[1] > kept) then redis.call('SET', KEYS[1], ARGV[1]) end
"""
