import { expect, test } from "vitest";
import { describeSignalsContract } from "../../../test/contracts/signals.ts";
import { silentLog } from "../../../test/orchestrate.ts";
import { redisPlace } from "../../../test/redis-place.ts";
import { startRedis } from "../../../test/start-redis.ts";
import { createRedisSignals } from "./create-redis-signals.ts";

describeSignalsContract("signals through Redis", async () => {
  const place = redisPlace();
  const open = async () => createRedisSignals({ connection: await place.connect(), log: silentLog });
  return Promise.all([open(), open()]);
});

test("whoever was cut off from Redis is told of the gap when it listens again", async () => {
  const server = await startRedis();
  const place = redisPlace(server.url);
  const signals = createRedisSignals({ connection: await place.connect(), log: silentLog });
  const other = createRedisSignals({ connection: await place.connect(), log: silentLog });
  const heard: unknown[] = [];
  let gaps = 0;
  signals.onGap(() => {
    gaps += 1;
  });
  await signals.subscribe("work", (payload) => void heard.push(payload));
  await expect.poll(() => other.publish("work", 1) ?? heard.length).toBeGreaterThan(0);
  expect(gaps).toBe(0);
  await server.restart();
  await expect.poll(() => gaps, { timeout: 10_000 }).toBe(1);
  heard.length = 0;
  await expect.poll(() => other.publish("work", 2) ?? heard.length, { timeout: 10_000 }).toBeGreaterThan(0);
});
