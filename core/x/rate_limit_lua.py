"""Lua scripts of the rate limiter: each runs atomically in Redis. Times are in milliseconds.

Keys of every script: the call's window (hash: limit, used, reset by X's clock, length), its block (hash: code, until,
pause, since), how far Redis is ahead of X's clock, the replies of the last day by X's clock, the daily reply cap.
"""

_COMMON = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local x_now = now - tonumber(redis.call('GET', KEYS[3]) or 0)

-- Return the code of a block, milliseconds until the next probe, the pause between probes, its start.
local function block()
  local stored = redis.call('HMGET', KEYS[2], 'code', 'until', 'pause', 'since')
  if not stored[1] then return nil end
  local left, pause = tonumber(stored[2]) - now, tonumber(stored[3])
  -- More than its pause: the server's clock was set back. Probe now.
  if left > pause then left = 0 end
  return stored[1], left, pause, tonumber(stored[4]) or now
end

local function window(limit, length)
  local stored = redis.call('HMGET', KEYS[1], 'limit', 'used', 'reset', 'length')
  local known = tonumber(stored[1]) or limit
  local reset, used = tonumber(stored[3]) or 0, tonumber(stored[2]) or 0
  local seconds = tonumber(stored[4]) or length
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

local function cap_resets_in()
  local oldest = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')
  if not oldest[2] then return 60000 end
  return math.max(1, tonumber(oldest[2]) + 86400000 - x_now)
end
"""

# Arguments: default limit, default length, reserve, daily reply cap (0: the remembered one; -1: the call is no reply).
# Returns {0, ''}, or {milliseconds to wait, reason code}.
ACQUIRE = (
    _COMMON
    + """
local code, left, pause = block()
if code then
  if left > 0 then return {left, code} end
  -- One call probes X; the others wait for its result.
  redis.call('HSET', KEYS[2], 'until', now + pause)
end
local limit, used, reset, length, fresh = window(tonumber(ARGV[1]), tonumber(ARGV[2]))
if used >= limit - tonumber(ARGV[3]) then return {math.max(1, reset - x_now), 'rate_limited'} end
local replies_left = cap_left(tonumber(ARGV[4]))
if replies_left and replies_left <= 0 then return {cap_resets_in(), 'daily_reply_cap'} end
if fresh then redis.call('HSET', KEYS[1], 'reset', reset, 'used', 0, 'guess', 1, 'length', length) end
redis.call('HINCRBY', KEYS[1], 'used', 1)
if replies_left then
  local number = redis.call('INCR', 'x-rate-limit:reply-count')
  redis.call('ZADD', KEYS[4], x_now, now .. ':' .. number)
end
return {0, ''}
"""
)

# Arguments: X's time, limit, remaining, reset in seconds (-1: unknown), default limit, default length, blocking code or
# '', pause after a refusal (0: no refusal), first and longest pause of a block, whether this response lifts a block (1
# or 0). Returns 'blocked' or 'unblocked' if the state changed, else ''.
UPDATE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local x_now = tonumber(ARGV[1])
redis.call('SET', KEYS[3], now - x_now)
local limit, remaining = tonumber(ARGV[2]), tonumber(ARGV[3])
-- No window of X is longer than a day: a later reset is wrong, and must not block the call for years.
local reset = math.min(tonumber(ARGV[4]) * 1000, x_now + 86400000)
local pause = tonumber(ARGV[8])

if ARGV[7] ~= '' then
  local before = redis.call('HGET', KEYS[2], 'pause')
  local after = before and math.min(tonumber(before) * 2, tonumber(ARGV[10])) or tonumber(ARGV[9])
  redis.call('HSET', KEYS[2], 'code', ARGV[7], 'until', now + after, 'pause', after)
  redis.call('HSETNX', KEYS[2], 'since', now)
  return before and '' or 'blocked'
end

local stored = redis.call('HMGET', KEYS[1], 'reset', 'used', 'guess')
local own_reset, used = tonumber(stored[1]) or 0, tonumber(stored[2]) or 0
if limit > 0 then redis.call('HSET', KEYS[1], 'limit', limit) end
if reset > x_now and limit > 0 and remaining >= 0 then
  local same = stored[3] == '1' or math.abs(reset - own_reset) <= 2000
  -- X counts only the calls it has received; `used` includes calls under way. For an unknown window trust X.
  used = same and math.max(used, limit - remaining) or limit - remaining
  redis.call('HSET', KEYS[1], 'reset', reset, 'used', used, 'guess', 0)
  -- X never sends the length; the time that is left after the first response is close to it.
  if stored[3] == '1' then redis.call('HSET', KEYS[1], 'length', math.max(1000, reset - x_now)) end
end
if pause > 0 then
  local opens = (reset > x_now) and reset or (x_now + pause)
  local full = tonumber(redis.call('HGET', KEYS[1], 'limit')) or tonumber(ARGV[5])
  redis.call('HSET', KEYS[1], 'reset', opens, 'used', full, 'guess', 0, 'limit', full)
  return ''
end
if ARGV[11] == '1' and redis.call('DEL', KEYS[2]) > 0 then return 'unblocked' end
return ''
"""

# Arguments as for ACQUIRE. Returns {remaining, milliseconds until the window ends, limit, length, blocking code,
# milliseconds since it was blocked}.
PEEK = (
    _COMMON
    + """
local limit, used, reset, length = window(tonumber(ARGV[1]), tonumber(ARGV[2]))
local remaining, resets_in = limit - tonumber(ARGV[3]) - used, reset - x_now
local code, left, _, since = block()
local blocked_for = code and math.max(0, now - since) or 0
if code and left > 0 then return {0, left, limit, length, code, blocked_for} end
local replies_left = cap_left(tonumber(ARGV[4]))
if replies_left and replies_left <= 0 then return {0, cap_resets_in(), limit, length, 'daily_reply_cap', 0} end
if replies_left then remaining = math.min(remaining, replies_left) end
-- A blocked call may be probed once its pause is over.
if code then remaining = math.min(remaining, 1) end
return {math.max(0, remaining), math.max(0, resets_in), limit, length, code or '', blocked_for}
"""
)

# Argument: an id. Stores the largest id so far. Compares text, because Lua numbers are exact to 53 bits only.
REMEMBER_MAX = """
local stored = redis.call('GET', KEYS[1]) or '0'
if #ARGV[1] > #stored or (#ARGV[1] == #stored and ARGV[1] > stored) then redis.call('SET', KEYS[1], ARGV[1]) end
"""
