import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import type { Lock, Locks } from "../../../ports/locks.ts";
import { describeLocksContract } from "../../../test/contracts/locks.ts";
import { redisPlace } from "../../../test/redis-place.ts";
import { startRedis } from "../../../test/start-redis.ts";
import { createSystemClock } from "../../clock/system-clock.ts";
import { createRedisLocks } from "./create-redis-locks.ts";

const clock = createSystemClock();
const minute = 60_000;

describeLocksContract("locks in Redis", () => {
  const place = redisPlace();
  const open = async () => createRedisLocks({ connection: await place.connect(), clock });
  return Promise.all([open(), open()]) as Promise<[Locks, Locks]>;
});

test("a waiter whose node died is passed over", async () => {
  const place = redisPlace();
  const locks = await createRedisLocks({ connection: await place.connect(), clock });
  const doomed = await place.connect();
  const dying = await createRedisLocks({ connection: doomed, clock });
  const held = (await locks.acquire("r", minute)) as Lock;
  const waiting = dying.acquire("r", minute, minute);
  await dying.acquire("beside", minute);
  await doomed.close();
  await expect(waiting).rejects.toMatchObject({ code: "unavailable" });
  const next = locks.acquire("r", minute, minute);
  await locks.release(held);
  expect(await next).not.toBeNull();
});

test("fences grow even though Redis was emptied, and a lock that it forgot is another's", async () => {
  const server = await startRedis();
  const admin = new Redis(server.url);
  onTestFinished(() => admin.disconnect());
  const locks = await createRedisLocks({ connection: await redisPlace(server.url).connect(), clock });
  const before = (await locks.acquire("r", minute)) as Lock;
  await admin.flushall();
  const after = (await locks.acquire("r", minute)) as Lock;
  expect(after.fence).toBeGreaterThan(before.fence);
  expect(await locks.release(before)).toBe(false);
  expect(await locks.renew(after, minute)).not.toBeNull();
});

test("locks that Redis can't keep are refused", async () => {
  const server = await startRedis();
  const locks = await createRedisLocks({ connection: await redisPlace(server.url).connect(), clock });
  await server.kill();
  await expect(locks.acquire("r", minute)).rejects.toMatchObject({ code: "unavailable" });
});
