import { expect, test } from "vitest";
import { describeCacheContract } from "../../../test/contracts/cache.ts";
import { silentLog } from "../../../test/orchestrate.ts";
import { redisPlace } from "../../../test/redis-place.ts";
import { startRedis } from "../../../test/start-redis.ts";
import { createRedisCache } from "./create-redis-cache.ts";

describeCacheContract("the cache in Redis", async () => {
  const place = redisPlace();
  const open = async () => createRedisCache({ connection: await place.connect(), log: silentLog });
  return Promise.all([open(), open()]);
});

test("a cache whose Redis is away holds nothing and fails nothing", async () => {
  const server = await startRedis();
  const cache = createRedisCache({ connection: await redisPlace(server.url).connect(), log: silentLog });
  await cache.set("a", 1, 60_000);
  await server.kill();
  expect(await cache.get("a")).toBeUndefined();
  await cache.set("a", 2, 60_000);
  await cache.delete("a");
});
