import { randomUUID } from "node:crypto";
import { createLockHands, type LockHands } from "@muster/sdk";
import { limits } from "@muster/sdk/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Principal } from "../../core/orchestrator.ts";
import { proveLocks } from "../../core/queue/statements/locks.ts";
import type { Database } from "../../ports/database.ts";
import {
  emptyDatabase,
  freshDatabase,
  orchestrate,
  root,
  someone,
  type TestOrchestrator,
} from "../orchestrate.ts";
import { startTwoNodes, type TwoNodes } from "../two-nodes.ts";

let database: Database;
let nodes: TwoNodes;
let muster: TestOrchestrator;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await emptyDatabase(database);
  nodes = await startTwoNodes(database, { leaseMs: 1_500, heartbeatMs: 300 });
  muster = nodes.one;
});
afterEach(() => nodes.stop());

const other: Principal = { ...someone, tenant: "other" };
const handsOf = (node: TestOrchestrator, principal = someone): LockHands =>
  createLockHands(node.orchestrator.locks.of(principal), randomUUID);
const waitingFor = async (name: string): Promise<number> =>
  (await muster.orchestrator.locks.list({}, root)).items.find((lock) => lock.name === name)?.waiting ?? 0;
const eventTypes = async (): Promise<string[]> =>
  (await muster.orchestrator.events.read(0, {}, root))
    .map((event) => event.type)
    .filter((type) => type.startsWith("lock."));

describe("a lock", () => {
  it("has one holder at a time, and grants in the order of arrival, over all nodes", async () => {
    const [one, two] = [handsOf(nodes.one), handsOf(nodes.other)];
    const first = await one.acquire("door");
    const order: number[] = [];
    const waits: Promise<void>[] = [];
    const fences = [first?.fence ?? 0];
    for (let n = 0; n < 6; n++) {
      const hands = n % 2 === 0 ? two : one;
      waits.push(
        hands.hold("door", { waitMs: 10_000 }, async ({ fence }) => {
          order.push(n);
          fences.push(fence);
          expect(await one.acquire("door")).toBeNull();
        }),
      );
      await expect.poll(() => waitingFor("door")).toBe(n + 1);
    }
    expect(await first?.release()).toBe(true);
    await Promise.all(waits);
    expect(order).toEqual([0, 1, 2, 3, 4, 5]);
    expect(fences).toEqual([...fences].sort((a, b) => a - b));
    expect(new Set(fences).size).toBe(7);
    expect(await first?.release()).toBe(false);
  });

  it("is another's after its time, and lost to who had it", async () => {
    const hands = handsOf(muster);
    const lock = await hands.acquire("short", { ttlMs: 1_000 });
    const next = await hands.acquire("short", { waitMs: 5_000 });
    expect(next?.fence).toBeGreaterThan(lock?.fence ?? 0);
    await expect(lock?.renew()).rejects.toMatchObject({ code: "lock_lost" });
    expect(await lock?.release()).toBe(false);
    expect(await hands.acquire("short")).toBeNull();
    expect(await eventTypes()).toEqual(["lock.acquired", "lock.expired", "lock.acquired"]);
  });

  it("is renewed while its work goes on", async () => {
    const hands = handsOf(muster);
    await hands.hold("long", { ttlMs: 1_000 }, async ({ signal }) => {
      await new Promise((resolve) => setTimeout(resolve, 1_600));
      expect(signal.aborted).toBe(false);
      expect(await hands.acquire("long")).toBeNull();
    });
    expect(await (await hands.acquire("long"))?.release()).toBe(true);
  });

  it("tells its holder when it is taken away", async () => {
    const hands = handsOf(muster);
    const lost = await hands.hold("taken", { ttlMs: 1_000 }, async ({ signal }) => {
      await muster.orchestrator.locks.forceRelease("taken", root);
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return signal.reason;
    });
    expect(lost).toMatchObject({ code: "lock_lost" });
  });

  it("is answered the same when the call is repeated, and keeps the place of who asks again", async () => {
    const locks = muster.orchestrator.locks.of(someone);
    const token = randomUUID();
    const first = await locks.acquire({ name: "again", token });
    expect(await locks.acquire({ name: "again", token })).toEqual(first);
    const later = locks.acquire({ name: "again", token: randomUUID(), waitMs: 5_000 });
    await expect.poll(() => waitingFor("again")).toBe(1);
    await locks.release({ name: "again", token });
    expect((await later).grant?.fence).toBeGreaterThan(first.grant?.fence ?? 0);
  });

  it("forgets who gives up waiting", async () => {
    const hands = handsOf(muster);
    const lock = await hands.acquire("given-up");
    const gone = new AbortController();
    const wait = hands.acquire("given-up", { waitMs: 10_000, signal: gone.signal });
    await expect.poll(() => waitingFor("given-up")).toBe(1);
    gone.abort(new Error("changed my mind"));
    await expect(wait).rejects.toThrow("changed my mind");
    await expect.poll(() => waitingFor("given-up")).toBe(0);
    await expect(hands.acquire("given-up", { waitMs: 100 })).resolves.toBeNull();
    await lock?.release();
    expect(await hands.acquire("given-up")).not.toBeNull();
  });

  it("is nobody else's business", async () => {
    await handsOf(muster).acquire("mine");
    expect(await handsOf(muster, other).acquire("mine")).not.toBeNull();
    const { locks } = muster.orchestrator;
    expect((await locks.list({}, other)).items.map((lock) => lock.tenant)).toEqual(["other"]);
    expect((await locks.list({}, root)).items).toHaveLength(2);
    await expect(locks.get("nothing", other)).rejects.toMatchObject({ code: "not_found" });
    const seen = JSON.stringify(await locks.get("mine", someone));
    expect(seen).not.toContain("token");
  });

  it("refuses what breaks its bounds and leaves nothing behind", async () => {
    const { locks } = muster.orchestrator;
    const bad = [
      { name: "" },
      { name: "a b" },
      { name: "x".repeat(limits.nameLength + 1) },
      { name: "a", ttlMs: 1 },
      { name: "a", ttlMs: limits.lockTtlMs + 1 },
      { name: "a", waitMs: -1 },
      { name: "a", token: "guess" },
    ];
    for (const request of bad)
      await expect(locks.of(someone).acquire(request)).rejects.toMatchObject({ code: "invalid_request" });
    expect((await locks.list({}, root)).items).toEqual([]);
  });

  it("proves its grant to whoever writes under it", async () => {
    const lock = await handsOf(muster).acquire("proof");
    const prove = async (token: string) => {
      const grants = JSON.stringify([{ tenant: "default", name: "proof", token }]);
      return (await database.query(proveLocks, [grants, Date.now()])).map((row) => row.fence);
    };
    expect(await prove(lock?.token ?? "")).toEqual([lock?.fence]);
    expect(await prove(randomUUID())).toEqual([]);
    await lock?.release();
    expect(await prove(lock?.token ?? "")).toEqual([]);
  });
});

describe("a lock of an attempt", () => {
  it("excludes all other attempts, whatever agent they are at", async () => {
    let inside = 0;
    let most = 0;
    const handler = async ({
      lock,
    }: Parameters<Parameters<typeof muster.agent>[0]["capabilities"][0]["handler"]>[0]) =>
      lock("resource", { waitMs: 10_000 }, async ({ fence }) => {
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setTimeout(resolve, 5));
        inside -= 1;
        return fence;
      });
    for (const [place, node] of [nodes.one, nodes.other].entries())
      await node.agent({ name: `w${place}`, maxConcurrency: 4, capabilities: [{ name: "job", handler }] });
    const done = await muster.finish(...Array.from({ length: 12 }, () => ({ capability: "job" })));
    expect(done.map((task) => task.status)).toEqual(done.map(() => "completed"));
    expect(new Set(done.map((task) => task.output)).size).toBe(12);
    expect(most).toBe(1);
  });

  it("ends with the attempt that leaves it behind, at once", async () => {
    const grants: unknown[] = [];
    await muster.agent({
      name: "careless",
      maxConcurrency: 2,
      capabilities: [
        {
          name: "take",
          handler: async ({ locks, input, attempt }) => {
            const lock = await locks.acquire("left", { ttlMs: 60_000, waitMs: 10_000 });
            grants.push(lock?.fence);
            if ((input as { fails?: boolean }).fails && attempt === 1) throw new Error("left it behind");
          },
        },
      ],
    });
    const retry = { maxAttempts: 2, delayMs: 1 };
    const done = await muster.finish(
      { capability: "take" },
      { capability: "take", input: { fails: true }, retry },
      { capability: "take" },
    );
    expect(done.map((task) => task.status)).toEqual(["completed", "completed", "completed"]);
    expect(grants).toHaveLength(4);
  });

  it("ends with the lease of an agent that fell silent", async () => {
    const { gateway, tasks } = muster.orchestrator;
    const given: { taskId: string; leaseToken: string }[] = [];
    const { agentId } = await gateway.register(
      { name: "silent", capabilities: [{ name: "hang" }] },
      root,
      (message) => void given.push(message.payload as (typeof given)[0]),
    );
    await tasks.submit([{ capability: "hang", retry: { maxAttempts: 1 } }], someone);
    await expect.poll(() => given.length).toBe(1);
    const lease = given[0] as (typeof given)[0];
    const body = { ...lease, name: "silent/lock", ttlMs: 60_000 };
    const { taskId, leaseToken } = lease;
    const request = { taskId, leaseToken, name: body.name, ttlMs: body.ttlMs };
    const { grant } = await gateway.request(agentId, "lock", request);
    expect(grant).not.toBeNull();
    const next = await handsOf(nodes.other).acquire("silent/lock", { waitMs: 8_000 });
    expect(next?.fence).toBeGreaterThan(grant?.fence ?? 0);
    await expect(gateway.request(agentId, "lock", request)).rejects.toMatchObject({
      code: expect.stringMatching(/lease_lost|agent_unknown/),
    });
  });
});

it("locks outlive a restart of the orchestrator", async () => {
  const lock = await handsOf(muster).acquire("lasting", { ttlMs: 60_000 });
  await nodes.stop();
  nodes = await startTwoNodes(database);
  muster = nodes.one;
  const hands = handsOf(muster);
  expect(await hands.acquire("lasting")).toBeNull();
  const again = await muster.orchestrator.locks
    .of(someone)
    .renew({ name: "lasting", token: lock?.token ?? "" });
  expect(again.fence).toBe(lock?.fence);
});

it("a grant that nobody told of is found", async () => {
  const lock = await handsOf(nodes.one).acquire("unheard");
  const wait = handsOf(nodes.other).acquire("unheard", { waitMs: 15_000 });
  await expect.poll(() => waitingFor("unheard")).toBe(1);
  nodes.deafen();
  await lock?.release();
  expect((await wait)?.fence).toBeGreaterThan(lock?.fence ?? 0);
});

it("one node alone does it without signals", async () => {
  const alone = await orchestrate(database);
  const hands = handsOf(alone);
  const lock = await hands.acquire("alone");
  const wait = hands.acquire("alone", { waitMs: 5_000 });
  await expect.poll(() => waitingFor("alone")).toBe(1);
  await lock?.release();
  expect(await wait).not.toBeNull();
  await alone.stop();
});
