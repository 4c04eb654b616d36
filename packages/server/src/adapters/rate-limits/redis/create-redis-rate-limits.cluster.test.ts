import { expect, test } from "vitest";
import { describeRateLimitsContract } from "../../../test/contracts/rate-limits.ts";
import { redisPlace } from "../../../test/redis-place.ts";
import { startRedis } from "../../../test/start-redis.ts";
import { createSystemClock } from "../../clock/system-clock.ts";
import { createRedisRateLimits } from "./create-redis-rate-limits.ts";

describeRateLimitsContract("limits in Redis", async () => {
  const place = redisPlace();
  const open = async () =>
    createRedisRateLimits({ connection: await place.connect(), clock: createSystemClock() });
  return Promise.all([open(), open()]);
});

test("while Redis is away each node counts for itself", async () => {
  const server = await startRedis();
  const place = redisPlace(server.url);
  const open = async () =>
    createRedisRateLimits({ connection: await place.connect(), clock: createSystemClock() });
  const nodes = [await open(), await open()];
  await server.kill();
  for (const node of nodes) {
    const limit = { points: 2, perMs: 60_000 };
    const allowed = [];
    for (let asked = 0; asked < 3; asked++) allowed.push((await node.take("a", limit)).allowed);
    expect(allowed).toEqual([true, true, false]);
  }
});
