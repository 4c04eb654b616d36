import type { Script } from "../../redis/connect-redis.ts";

/*
 * Locks in Redis. Below `<prefix>{muster}:locks`:
 *
 *   :held:<resource>    text: the holder's token and the fence; ends with the lock
 *   :queue:<resource>   sorted set: tokens of those who wait, in the order of arrival
 *   :alive:<resource>   hash: token → until when its owner is believed to wait still
 *   :fence              the last fence that was given to anybody
 *   :freed              channel: [resource, token], for who is next
 *
 * Fences are the time in microseconds, or one more than the last where that is more. So they grow even after Redis
 * lost them, and one counter serves all resources.
 */
const prelude = `
local root, resource, token = KEYS[1], ARGV[1], ARGV[2]
local held = root .. ':held:' .. resource
local queue, alive = root .. ':queue:' .. resource, root .. ':alive:' .. resource
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function quit(waiter)
  redis.call('ZREM', queue, waiter)
  redis.call('HDEL', alive, waiter)
end
local function next_alive()
  for _, waiter in ipairs(redis.call('ZRANGE', queue, 0, -1)) do
    local until_then = tonumber(redis.call('HGET', alive, waiter) or 0)
    if until_then > now then return waiter, until_then - now end
    quit(waiter)
  end
end
local function call_next()
  local waiter = next_alive()
  if waiter and redis.call('EXISTS', held) == 0 then
    redis.call('PUBLISH', root .. ':freed', cjson.encode({resource, waiter}))
  end
end
`;

const script = (name: string, lua: string): Script => ({ name: `muster_lock_${name}`, lua: prelude + lua });

/**
 * Values: resource, token, ttl, whether to wait (1 or 0), most waiting, how long a waiter is believed in. Answers
 * [1, fence]; or [0, ms until it is worth asking again]; or [-1] where too many wait.
 */
export const acquireScript = script(
  "acquire",
  `
local ttl, waits, most, believed = tonumber(ARGV[3]), ARGV[4] == '1', tonumber(ARGV[5]), tonumber(ARGV[6])
local left = redis.call('PTTL', held)
local first, first_left = next_alive()
if left == -2 and (not first or first == token) then
  quit(token)
  local last = tonumber(redis.call('GET', root .. ':fence') or 0)
  local fence = string.format('%.0f', math.max(last + 1, time[1] * 1000000 + time[2]))
  redis.call('SET', root .. ':fence', fence)
  redis.call('SET', held, token .. ' ' .. fence, 'PX', ttl)
  return {1, fence}
end
if not waits then return {0, 0} end
if not redis.call('ZSCORE', queue, token) then
  if redis.call('ZCARD', queue) >= most then return {-1} end
  local last = redis.call('ZRANGE', queue, -1, -1, 'WITHSCORES')[2] or 0
  redis.call('ZADD', queue, tonumber(last) + 1, token)
end
redis.call('HSET', alive, token, string.format('%.0f', now + believed))
redis.call('PEXPIRE', queue, 2 * believed)
redis.call('PEXPIRE', alive, 2 * believed)
return {0, left >= 0 and left or first_left or believed}
`,
);

/** Values: resource, token. Leaves the queue. */
export const quitScript = script(
  "quit",
  `
quit(token)
call_next()
return 1
`,
);

/** Values: resource, token, fence, ttl. Answers whether it was still held. */
export const renewScript = script(
  "renew",
  `
if redis.call('GET', held) ~= token .. ' ' .. ARGV[3] then return 0 end
redis.call('PEXPIRE', held, ARGV[4])
return 1
`,
);

/** Values: resource, token, fence. Answers whether it was still held. */
export const releaseScript = script(
  "release",
  `
if redis.call('GET', held) ~= token .. ' ' .. ARGV[3] then return 0 end
redis.call('DEL', held)
call_next()
return 1
`,
);
