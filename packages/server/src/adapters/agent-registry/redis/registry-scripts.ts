import type { Script } from "../../redis/connect-redis.ts";

/*
 * The registry in Redis. Below `<prefix>{muster}:registry`:
 *
 *   :meta         hash: run (the server's run id), epoch, version
 *   :lives        sorted set: agent → when it expires; the only index
 *   :agent:<id>   hash: profile (JSON), most (max concurrency), status, seen, expires, outcomes (JSON)
 *   :slots:<id>   set: tasks that hold a slot of the agent
 *   :changes      channel: [epoch, version, changes] as JSON
 *
 * Every script that changes something raises the version and publishes what changed in the same step, so that
 * whoever listens can follow without a gap or see that there is one. All that has a time comes and goes as text,
 * since Lua would round it.
 *
 * An epoch ends when Redis was emptied. A server that started again counts as emptied, whatever it had saved: that
 * may be older than what was granted since, and a slot that it forgot would be granted twice. So the first script
 * in a new run drops what it finds and begins a new epoch.
 */
const prelude = `
local root, run, fresh = KEYS[1], ARGV[1], ARGV[2]
local args = cjson.decode(ARGV[3])
local meta, lives, channel = root .. ':meta', root .. ':lives', root .. ':changes'
local function agent_key(id) return root .. ':agent:' .. id end
local function slots_key(id) return root .. ':slots:' .. id end
local function tell(changes)
  local version = redis.call('HINCRBY', meta, 'version', 1)
  redis.call('PUBLISH', channel, cjson.encode({redis.call('HGET', meta, 'epoch'), tostring(version), changes}))
end
local function answer(value)
  local at = redis.call('HMGET', meta, 'epoch', 'version')
  return {at[1], at[2], value}
end
local function describe(id)
  local known = redis.call('HMGET', agent_key(id), 'profile', 'status', 'seen', 'expires', 'outcomes')
  return {id, known[1], known[2], known[3], known[4], known[5], tostring(redis.call('SCARD', slots_key(id)))}
end
local function drop(id)
  redis.call('UNLINK', agent_key(id), slots_key(id))
  redis.call('ZREM', lives, id)
end
local function lives_at(id, now)
  local expires = redis.call('ZSCORE', lives, id)
  return expires and tonumber(expires) > now
end
if redis.call('HGET', meta, 'run') ~= run then
  for _, id in ipairs(redis.call('ZRANGE', lives, 0, -1)) do drop(id) end
  redis.call('UNLINK', meta)
  redis.call('HSET', meta, 'run', run, 'epoch', fresh)
  tell({{'emptied'}})
end
`;

const script = (name: string, lua: string): Script => ({
  name: `muster_registry_${name}`,
  lua: prelude + lua,
});

/** Changes of the load of the agents in `touched`, told at once. */
const tellLoads = `
local changes = {}
for id in pairs(touched) do
  changes[#changes + 1] = {'load', id, tostring(redis.call('SCARD', slots_key(id)))}
end
if #changes > 0 then tell(changes) end
`;

/** Args: id, profile, most, status, seen, expires, outcomes, held, most agents. Answers 0 where there are too many. */
export const putScript = script(
  "put",
  `
local id, held = args[1], args[8]
if not redis.call('ZSCORE', lives, id) and redis.call('ZCARD', lives) >= args[9] then return answer(0) end
redis.call('HSET', agent_key(id), 'profile', args[2], 'most', args[3], 'status', args[4],
  'seen', args[5], 'expires', args[6], 'outcomes', args[7])
redis.call('ZADD', lives, args[6], id)
for _, task in ipairs(held) do redis.call('SADD', slots_key(id), task) end
tell({{'put', unpack(describe(id))}})
return answer(1)
`,
);

/** Args: id, seen, expires, status. Answers whether the agent is known; one whose record was evicted is not. */
export const heartbeatScript = script(
  "heartbeat",
  `
local id, seen, expires = args[1], args[2], args[3]
if not redis.call('ZSCORE', lives, id) then return answer(0) end
local known = redis.call('HMGET', agent_key(id), 'seen', 'expires')
if not known[1] then
  drop(id)
  tell({{'gone', id}})
  return answer(0)
end
if tonumber(known[1]) > tonumber(seen) then seen = known[1] end
if tonumber(known[2]) > tonumber(expires) then expires = known[2] end
redis.call('HSET', agent_key(id), 'status', args[4], 'seen', seen, 'expires', expires)
redis.call('ZADD', lives, expires, id)
tell({{'life', id, args[4], seen, expires}})
return answer(1)
`,
);

/** Args: id, outcomes. */
export const outcomesScript = script(
  "outcomes",
  `
local id = args[1]
if not redis.call('ZSCORE', lives, id) then return answer(0) end
redis.call('HSET', agent_key(id), 'outcomes', args[2])
tell({{'outcomes', id, args[2]}})
return answer(1)
`,
);

/** Args: id. Answers what was known of the agent, in a list of one. */
export const removeScript = script(
  "remove",
  `
local id = args[1]
if not redis.call('ZSCORE', lives, id) then return answer({}) end
local gone = describe(id)
drop(id)
tell({{'gone', id}})
return answer({gone})
`,
);

/** Args: now, how many at most. Answers what was known of each. */
export const takeExpiredScript = script(
  "take_expired",
  `
local taken, changes = {}, {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', lives, '-inf', args[1], 'LIMIT', 0, args[2])) do
  taken[#taken + 1] = describe(id)
  changes[#changes + 1] = {'gone', id}
  drop(id)
end
if #changes > 0 then tell(changes) end
return answer(taken)
`,
);

/** Args: now, [agent, task] pairs. Answers 1 or 0 for each. */
export const reserveScript = script(
  "reserve",
  `
local now, granted, room, touched = tonumber(args[1]), {}, {}, {}
for place, slot in ipairs(args[2]) do
  local id, task = slot[1], slot[2]
  if room[id] == nil then
    room[id] = -1
    if lives_at(id, now) then
      room[id] = tonumber(redis.call('HGET', agent_key(id), 'most') or 0) - redis.call('SCARD', slots_key(id))
      if room[id] < 0 then room[id] = 0 end
    end
  end
  granted[place] = 0
  if room[id] >= 0 and redis.call('SISMEMBER', slots_key(id), task) == 1 then
    granted[place] = 1
  elseif room[id] >= 1 then
    redis.call('SADD', slots_key(id), task)
    room[id] = room[id] - 1
    touched[id] = true
    granted[place] = 1
  end
end
${tellLoads}
return answer(granted)
`,
);

/** Args: [agent, task] pairs. */
export const restoreScript = script(
  "restore",
  `
local touched = {}
for _, slot in ipairs(args[1]) do
  if redis.call('ZSCORE', lives, slot[1]) and redis.call('SADD', slots_key(slot[1]), slot[2]) == 1 then
    touched[slot[1]] = true
  end
end
${tellLoads}
return answer(1)
`,
);

/** Args: [agent, task] pairs. */
export const releaseScript = script(
  "release",
  `
local touched = {}
for _, slot in ipairs(args[1]) do
  if redis.call('SREM', slots_key(slot[1]), slot[2]) == 1 then touched[slot[1]] = true end
end
${tellLoads}
return answer(1)
`,
);

/** Args: [agent, task, instead of] triples. */
export const swapScript = script(
  "swap",
  `
local touched = {}
for _, swap in ipairs(args[1]) do
  local id = swap[1]
  if redis.call('ZSCORE', lives, id) then
    local freed = redis.call('SREM', slots_key(id), swap[3])
    if redis.call('SADD', slots_key(id), swap[2]) ~= freed then touched[id] = true end
  end
end
${tellLoads}
return answer(1)
`,
);

/** Answers [agent, [tasks]] for every agent. */
export const reservedScript = script(
  "reserved",
  `
local held = {}
for _, id in ipairs(redis.call('ZRANGE', lives, 0, -1)) do
  held[#held + 1] = {id, redis.call('SMEMBERS', slots_key(id))}
end
return answer(held)
`,
);

/** Answers what is known of every agent, at one moment. */
export const snapshotScript = script(
  "snapshot",
  `
local all = {}
for _, id in ipairs(redis.call('ZRANGE', lives, 0, -1)) do all[#all + 1] = describe(id) end
return answer(all)
`,
);

/** Answers nothing but how far the registry is. */
export const positionScript = script("position", "return answer(1)");
