import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { agent, start } from "../../test/contracts/registry-model.ts";
import { silentLog } from "../../test/orchestrate.ts";
import { freePort, startRedis } from "../../test/start-redis.ts";
import { createRedisRegistry } from "../agent-registry/redis/create-redis-registry.ts";
import { createSystemClock } from "../clock/system-clock.ts";
import { createRedisLocks } from "../locks/redis/create-redis-locks.ts";
import { createRedisRateLimits } from "../rate-limits/redis/create-redis-rate-limits.ts";
import { connectRedis, type RedisConnection } from "./connect-redis.ts";

const clock = createSystemClock();

async function connect(url: string): Promise<RedisConnection> {
  const connection = await connectRedis({ url, log: silentLog });
  onTestFinished(connection.close);
  return connection;
}

function adminOf(url: string): Redis {
  const admin = new Redis(url);
  onTestFinished(() => admin.disconnect());
  return admin;
}

/** Uses every kind of key, script and channel. */
async function useEverything(connection: RedisConnection): Promise<void> {
  const registry = await createRedisRegistry({ connection, expiryPauseMs: 0 });
  onTestFinished(registry.close);
  await registry.put(agent("a"), ["1"]);
  expect(await registry.reserve([{ agentId: "a", taskId: "2" }], start)).toEqual([true]);
  await registry.heartbeat("a", start, start + 1, "busy");
  await registry.swap([{ agentId: "a", taskId: "3", insteadOf: "2" }]);
  await registry.recordOutcome("a", { successes: 1, failures: 0, at: start });
  expect(await registry.list(start)).toMatchObject([{ id: "a", load: 2, status: "busy" }]);
  const locks = await createRedisLocks({ connection, clock });
  onTestFinished(locks.close);
  const lock = await locks.acquire("r", 60_000);
  const next = locks.acquire("r", 60_000, 60_000);
  await locks.acquire("beside", 60_000);
  await locks.release(lock!);
  expect(await next).not.toBeNull();
  const limits = createRedisRateLimits({ connection, clock });
  expect(await limits.take("a", { points: 2, perMs: 60_000 })).toMatchObject({ remaining: 1 });
  expect(await registry.takeExpired(start + 60_000)).toHaveLength(1);
}

test("everything stands in one slot of a Redis Cluster", async () => {
  const busPort = String(await freePort());
  const server = await startRedis("--cluster-enabled", "yes", "--cluster-port", busPort);
  const admin = adminOf(server.url);
  await admin.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  await expect.poll(() => admin.call("CLUSTER", "INFO"), { timeout: 10_000 }).toContain("cluster_state:ok");
  const connection = await connect(server.url);
  await useEverything(connection);
  const keys = await admin.keys("*");
  const slots = await Promise.all(keys.map((key) => admin.call("CLUSTER", "KEYSLOT", key)));
  expect(keys.length).toBeGreaterThan(3);
  expect(new Set(slots).size).toBe(1);
});

test("a user with no more rights than the documents ask for is enough", async () => {
  const server = await startRedis();
  const rights = ["+@all", "~muster:*", "&muster:*", "-@dangerous", "+info"];
  await adminOf(server.url).call("ACL", "SETUSER", "muster", "on", ">open", ...rights);
  const url = new URL(server.url);
  url.username = "muster";
  url.password = "open";
  await useEverything(await connect(url.href));
});

test("databases of one server have nothing in common", async () => {
  const server = await startRedis();
  const [zero, one] = [await connect(server.url), await connect(`${server.url}/1`)];
  const heard: string[] = [];
  await zero.listen(zero.key("c"), (text) => void heard.push(`zero ${text}`));
  await one.listen(one.key("c"), (text) => void heard.push(`one ${text}`));
  await one.run((client) => client.publish(one.key("c"), "x"));
  await zero.run((client) => client.publish(zero.key("c"), "y"));
  await expect.poll(() => heard.sort()).toEqual(["one x", "zero y"]);
});

test("a refused password is said to be one", async () => {
  const server = await startRedis("--requirepass", "right");
  const url = new URL(server.url);
  url.password = "wrong";
  const connection = await connect(url.href);
  await expect(connection.check()).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("WRONGPASS"),
    hint: expect.stringContaining("password in REDIS_URL"),
  });
});
