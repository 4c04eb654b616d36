import type { Redis } from "ioredis";
import type { Clock } from "../../clock.ts";
import { createInMemoryCells } from "./in-memory-cells.ts";
import type { CellChange, SharedCells } from "./shared-cells.ts";

export interface RedisCellsOptions {
  /** `redis://` or `rediss://`. */
  url: string;
  /** What every key begins with (`muster:models:`). */
  prefix?: string;
  clock: Clock;
  /** Told once when Redis goes away, and once when it is back. */
  onChange?: (isThere: boolean, error?: unknown) => void;
}

const connectTimeoutMs = 2_000;
/** A call of a model takes seconds; to wait longer than this for its permission would be odd. */
const answerWithinMs = 1_000;
const longestRetryMs = 2_000;
/** Nodes that change the same cell at once: each loses to one other at a time. */
const mostTries = 32;

/** The value of a cell, and the time of the server. */
const readLua = `
local time = redis.call('TIME')
return {redis.call('GET', KEYS[1]) or '', time[1], time[2]}
`;

/** Values: what it was, what it shall be, how long it is kept. Answers whether it was that. */
const swapLua = `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`;

type Commands = Redis & {
  musterCellRead(key: string): Promise<[string, string, string]>;
  musterCellSwap(key: string, before: string, after: string, keepMs: number): Promise<number>;
};

/**
 * Cells in Redis. A change is made here, on what was read, and written if that is still so: the rules are one piece of
 * code, whether a node is alone or not. Calls of this node for one cell come one after the other, so that it loses to
 * other nodes only. While Redis is away the node counts alone.
 */
export async function createRedisCells(options: RedisCellsOptions): Promise<SharedCells> {
  const { clock, prefix = "muster:models:" } = options;
  const redis = await connect(options);
  const alone = createInMemoryCells({ clock });
  const queues = new Map<string, Promise<unknown>>();

  async function updateShared<Value, Result>(
    name: string,
    change: CellChange<Value, Result>,
  ): Promise<Result | Lost> {
    const key = `${prefix}{${name}}`;
    for (let tries = 0; tries < mostTries; tries++) {
      const [before, seconds, micros] = await redis.musterCellRead(key);
      const now = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
      const { value, keepMs, result } = change(parsed<Value>(before), now);
      const after = JSON.stringify(value);
      if (after === before || (await redis.musterCellSwap(key, before, after, Math.ceil(keepMs))) === 1) {
        return result;
      }
    }
    return lost;
  }

  async function update<Value, Result>(name: string, change: CellChange<Value, Result>): Promise<Result> {
    if (redis.status !== "ready") return alone.update(name, change);
    const result = await updateShared(name, change).catch(() => lost);
    return result === lost ? alone.update(name, change) : (result as Result);
  }

  return {
    update(name, change) {
      const before = queues.get(name) ?? Promise.resolve();
      const mine = before.then(() => update(name, change));
      const settled = mine.catch(() => {});
      queues.set(name, settled);
      void settled.then(() => {
        if (queues.get(name) === settled) queues.delete(name);
      });
      return mine;
    },
    async close() {
      redis.disconnect();
      await alone.close();
    },
  };
}

const lost = Symbol("others were faster each time, or Redis is away");
type Lost = typeof lost;

/** What somebody else wrote there is none of ours. */
function parsed<Value>(text: string): Value | undefined {
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as Value;
  } catch {
    return undefined;
  }
}

async function connect({ url, onChange }: RedisCellsOptions): Promise<Commands> {
  const { Redis } = await import("ioredis");
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: connectTimeoutMs,
    commandTimeout: answerWithinMs,
    connectionName: "muster-models",
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 10), longestRetryMs),
  }) as Commands;
  redis.defineCommand("musterCellRead", { lua: readLua, numberOfKeys: 1 });
  redis.defineCommand("musterCellSwap", { lua: swapLua, numberOfKeys: 1 });
  let isThere: boolean | undefined;
  const tell = (next: boolean, error?: unknown) => {
    if (isThere !== next) onChange?.(next, error);
    isThere = next;
  };
  redis.on("ready", () => tell(true));
  redis.on("error", (error) => tell(false, error));
  // A node may start before its Redis does; it comes by itself.
  await redis.connect().catch((error: unknown) => tell(false, error));
  return redis;
}
