import { setTimeout as pause } from "node:timers/promises";
import type { TaskStatus } from "@muster/sdk/protocol";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createRedisRegistry } from "../../adapters/agent-registry/redis/create-redis-registry.ts";
import { createRedisCache } from "../../adapters/cache/redis/create-redis-cache.ts";
import { createInProcessBus } from "../../adapters/message-bus/in-process/create-in-process-bus.ts";
import { createRedisSignals } from "../../adapters/signals/redis/create-redis-signals.ts";
import { loadMigrations } from "../../migrations/load-migrations.ts";
import { migrate } from "../../migrations/migrate.ts";
import type { AgentRecord } from "../../ports/agent-registry.ts";
import type { Database, Statement } from "../../ports/database.ts";
import { emptyDatabase, orchestrate, silentLog, someone, type TestOrchestrator } from "../orchestrate.ts";
import { redisPlace } from "../redis-place.ts";
import { scratchPostgres } from "../scratch-postgres.ts";
import { type PrivateRedis, startRedis } from "../start-redis.ts";

const settings = { leaseMs: 3_000, heartbeatMs: 500 };
const slotsPerAgent = 2;
/** Most are short, and some outlast several heartbeats, so that slots are taken whenever Redis fails. */
const taskMs = (index: number): number => (index % 10 === 0 ? 1_200 : 15);
const long = { timeout: 60_000, interval: 20 };

const statuses: Statement<{ status: TaskStatus; attempt: number }> = {
  name: "test_statuses",
  text: "select status, attempt from task",
};
const overbooked: Statement<{ agent_id: string; tasks: number }> = {
  name: "test_overbooked",
  text: `select agent_id, count(*)::int as tasks from task where status = 'in_progress' group by agent_id
having count(*) > ${slotsPerAgent}`,
};
const eventsOf: Statement<{ type: string }> = {
  name: "test_events",
  text: "select type from event where type like 'agent.%'",
};

describe("two orchestrators whose Redis fails under load", () => {
  let database: Database;
  let server: PrivateRedis;
  let nodes: TestOrchestrator[];
  let watch: { stop(): Promise<unknown[]> };

  beforeAll(async () => {
    database = await scratchPostgres();
    await migrate(database, await loadMigrations());
  });
  afterAll(() => database.close());

  beforeEach(async () => {
    await emptyDatabase(database);
    server = await startRedis("--dbfilename", "saved.rdb");
    const place = redisPlace(server.url);
    const bus = createInProcessBus();
    nodes = [];
    for (let node = 0; node < 2; node++) {
      const connection = await place.connect();
      const registry = await createRedisRegistry({ connection, expiryPauseMs: settings.leaseMs });
      const signals = createRedisSignals({ connection, log: silentLog });
      const cache = createRedisCache({ connection, log: silentLog });
      const ports = { bus: { ...bus, close: async () => {} }, registry, signals, cache };
      nodes.push(await orchestrate(database, settings, ports));
    }
    for (const [index, node] of nodes.entries()) {
      for (const name of ["x", "y"]) {
        await node.agent({
          name: `${name}${index}`,
          maxConcurrency: slotsPerAgent,
          capabilities: [{ name: "work", handler: ({ input }) => pause(taskMs(input as number), input) }],
        });
      }
    }
    watch = watchForOverbooking();
  });
  afterEach(async () => {
    for (const node of nodes) await node.stop();
  });

  /** Looks all the time whether an agent holds more than it may. */
  function watchForOverbooking() {
    const found: unknown[] = [];
    let stopped = false;
    const watching = (async () => {
      while (!stopped) found.push(...(await database.query(overbooked)));
    })();
    return {
      async stop() {
        stopped = true;
        await watching;
        return found;
      },
    };
  }

  async function submit(count: number): Promise<void> {
    const tasks = Array.from({ length: count }, (_, index) => ({ capability: "work", input: index }));
    const half = count >> 1;
    await nodes[0]!.orchestrator.tasks.submit(tasks.slice(0, half), someone);
    await nodes[1]!.orchestrator.tasks.submit(tasks.slice(half), someone);
  }

  const completed = async () =>
    (await database.query(statuses)).filter(({ status }) => status === "completed").length;
  const live = async (): Promise<AgentRecord[]> =>
    (nodes[0] as TestOrchestrator).ports.registry.list(Date.now());

  async function everythingIsDone(count: number): Promise<void> {
    await expect.poll(completed, long).toBe(count);
    expect(await watch.stop()).toEqual([]);
    const types = (await database.query(eventsOf)).map(({ type }) => type);
    expect(types).toEqual(Array(4).fill("agent.registered"));
    await expect.poll(async () => (await nodes[0]!.ports.registry.reserved()).length, long).toBe(0);
    expect(await live()).toHaveLength(4);
  }

  /** Resolves with how long it took until more was done than before. */
  async function progress(): Promise<number> {
    const [before, from] = [await completed(), performance.now()];
    await expect.poll(completed, long).toBeGreaterThan(before + 8);
    return Math.round(performance.now() - from);
  }

  test("emptied: agents come back with a heartbeat, with the slots that they hold", async () => {
    await submit(600);
    await expect.poll(completed, long).toBeGreaterThan(50);
    const admin = new Redis(server.url);
    for (let flushes = 0; flushes < 4; flushes++) {
      await admin.flushall();
      console.info(`work went on ${await progress()} ms after Redis was emptied`);
    }
    admin.disconnect();
    await everythingIsDone(600);
  });

  test("killed for longer than a lease, and back with what it had saved long before", async () => {
    await submit(600);
    await expect.poll(completed, long).toBeGreaterThan(50);
    const admin = new Redis(server.url);
    admin.on("error", () => {});
    await admin.save();
    admin.disconnect();
    await expect.poll(completed, long).toBeGreaterThan(120);
    await server.kill();
    await pause(settings.leaseMs * 1.5);
    await server.start();
    console.info(`work went on ${await progress()} ms after Redis was started again`);
    await everythingIsDone(600);
  });

  test("frozen for longer than a lease: what it knows is old and nobody is taken for dead", async () => {
    await submit(600);
    await expect.poll(completed, long).toBeGreaterThan(120);
    server.freeze();
    await pause(settings.leaseMs * 1.5);
    server.thaw();
    console.info(`work went on ${await progress()} ms after Redis answered again`);
    await everythingIsDone(600);
  });
});
