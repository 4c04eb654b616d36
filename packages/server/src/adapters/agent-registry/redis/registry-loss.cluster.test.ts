import { Redis } from "ioredis";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { AgentRegistry } from "../../../ports/agent-registry.ts";
import { agent, start } from "../../../test/contracts/registry-model.ts";
import { redisPlace } from "../../../test/redis-place.ts";
import { type PrivateRedis, startRedis } from "../../../test/start-redis.ts";
import { createRedisRegistry } from "./create-redis-registry.ts";

const slots = (agentId: string, ...taskIds: string[]) => taskIds.map((taskId) => ({ agentId, taskId }));
const long = { timeout: 20_000, interval: 10 };

describe("a registry whose Redis fails", () => {
  let server: PrivateRedis;
  let admin: Redis;
  let node: AgentRegistry;
  let otherNode: AgentRegistry;

  const beat = (registry: AgentRegistry, id: string) =>
    registry.heartbeat(id, start + 1, start + 60_000, "available");

  async function openNode(place: ReturnType<typeof redisPlace>, expiryPauseMs = 0): Promise<AgentRegistry> {
    const registry = await createRedisRegistry({ connection: await place.connect(), expiryPauseMs });
    onTestFinished(registry.close);
    return registry;
  }

  beforeEach(async () => {
    server = await startRedis("--dbfilename", "saved.rdb");
    admin = new Redis(server.url);
    admin.on("error", () => {});
    onTestFinished(() => admin.disconnect());
    const place = redisPlace(server.url);
    [node, otherNode] = [await openNode(place), await openNode(place)];
    await node.put(agent("a", { maxConcurrency: 2 }));
    await node.put(agent("b"));
    await node.reserve([...slots("a", "1", "2"), ...slots("b", "3")], start);
    await expect.poll(async () => (await otherNode.get("a"))?.load, long).toBe(2);
  });

  test("once emptied, it gives an agent nothing before its leases are counted", async () => {
    await admin.flushall();
    expect(await otherNode.reserve(slots("a", "4"), start)).toEqual([false]);
    expect(await otherNode.list(start)).toEqual([]);
    expect(await beat(otherNode, "a")).toBe("lost");
    const remembered = await otherNode.get("a");
    expect(remembered).toMatchObject({ id: "a", name: "a-name", maxConcurrency: 2 });
    await otherNode.put(remembered!, ["1", "2"]);
    expect(await beat(otherNode, "a")).toBe("alive");
    expect(await otherNode.reserve(slots("a", "4"), start)).toEqual([false]);
    await otherNode.release(slots("a", "1"));
    expect(await node.reserve(slots("a", "4", "5"), start)).toEqual([true, false]);
    expect(await node.reserved()).toHaveLength(2);
    expect(await beat(node, "b")).toBe("lost");
  });

  test("a server that comes back with what it had saved long ago is taken for emptied", async () => {
    await admin.save();
    await node.release(slots("b", "3"));
    await node.remove("b");
    await node.put(agent("c", { maxConcurrency: 1 }));
    await node.reserve(slots("c", "9"), start);
    await server.restart();
    await expect.poll(() => beat(node, "a").catch(String), long).toBe("lost");
    expect(await admin.keys("*registry:agent*")).toEqual([]);
    expect(await node.reserve(slots("a", "4"), start)).toEqual([false]);
    expect(await node.reserved()).toEqual([]);
    expect(await beat(node, "b")).toBe("unknown");
    expect(await beat(node, "c")).toBe("lost");
    await expect.poll(() => beat(otherNode, "c").catch(String), long).toBe("lost");
    await otherNode.put((await otherNode.get("c"))!, ["9"]);
    expect(await node.reserve(slots("c", "10"), start)).toEqual([false]);
  });

  test("an agent that was removed is not lost, whatever else was", async () => {
    await node.remove("a");
    expect(await beat(node, "a")).toBe("unknown");
    await expect.poll(() => otherNode.get("a"), long).toBeUndefined();
    await admin.flushall();
    expect(await beat(otherNode, "a")).toBe("unknown");
    expect(await beat(otherNode, "b")).toBe("lost");
  });

  test("while it is away calls fail at once, and what was known is read on", async () => {
    await server.kill();
    const refusal = { code: "unavailable", retryable: true, hint: expect.stringContaining("REDIS_URL") };
    await expect.poll(() => beat(node, "a").catch((error) => error), long).toMatchObject(refusal);
    await expect(node.reserve(slots("a", "4"), start)).rejects.toMatchObject(refusal);
    await expect(node.release(slots("a", "4"))).rejects.toMatchObject(refusal);
    await expect(node.takeExpired(start)).rejects.toMatchObject(refusal);
    expect(await node.get("a")).toMatchObject({ load: 2 });
    expect(await node.list(start)).toHaveLength(2);
  });

  test("a server that does not answer is given up, and found again when it does", async () => {
    server.freeze();
    await expect(beat(node, "a")).rejects.toMatchObject({ code: "unavailable" });
    expect(await node.list(start)).toHaveLength(2);
    server.thaw();
    await expect.poll(() => beat(node, "a").catch(String), long).toBe("alive");
    expect(await node.reserve(slots("a", "4"), start)).toEqual([false]);
  });

  test("a node that heard nothing for a while catches up", async () => {
    await admin.call("CLIENT", "KILL", "TYPE", "pubsub");
    await node.reserve(slots("b", "4"), start);
    await otherNode.put(agent("c"));
    for (const each of [node, otherNode]) {
      await expect
        .poll(async () => (await each.list(start)).map(({ id, load }) => `${id} ${load}`).sort(), long)
        .toEqual(["a 2", "b 2", "c 0"]);
    }
    await node.put(agent("d"));
    await expect.poll(async () => (await otherNode.get("d"))?.id, long).toBe("d");
  });

  test("nobody is taken for dead before heartbeats could get through again", async () => {
    const late = await openNode(redisPlace(server.url), 400);
    await late.put(agent("x", { expiresAt: start }));
    expect(await late.takeExpired(start)).toEqual([]);
    await expect.poll(() => late.takeExpired(start), long).toMatchObject([{ id: "x" }]);
  });

  test("nothing is left in Redis of agents that are gone", async () => {
    await node.remove("a");
    await otherNode.takeExpired(start + 60_000);
    expect((await admin.keys("*")).map((key) => key.split(":").at(-1))).toEqual(["meta"]);
  });
});
