import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AgentRecord, AgentRegistry, Slot } from "../../ports/agent-registry.ts";

const record = (id: string, parts: Partial<AgentRecord> = {}): AgentRecord => ({
  id,
  name: id,
  type: "custom",
  description: "",
  capabilities: [{ name: "work" }],
  maxConcurrency: 2,
  metadata: {},
  tenant: "*",
  status: "available",
  load: 0,
  outcomes: { successes: 0, failures: 0, at: 0 },
  registeredAt: 0,
  lastSeen: 0,
  expiresAt: 1_000,
  ...parts,
});

const slots = (agentId: string, ...taskIds: string[]): Slot[] =>
  taskIds.map((taskId) => ({ agentId, taskId }));

/** A step of somebody who uses the registry: of three agents, some of eight tasks. */
const step = fc.record({
  kind: fc.constantFrom("reserve", "release", "put"),
  slots: fc.array(
    fc.record({ agentId: fc.constantFrom("a", "b", "c"), taskId: fc.constantFrom(..."12345678") }),
    { maxLength: 6 },
  ),
  yields: fc.boolean(),
});

/** What every agent registry must do. `makeRegistry` makes an empty one; it is closed after each test. */
export function describeAgentRegistryContract(
  name: string,
  makeRegistry: () => Promise<AgentRegistry>,
): void {
  describe(`${name} as an agent registry`, () => {
    let registry: AgentRegistry;
    beforeEach(async () => {
      registry = await makeRegistry();
    });
    afterEach(() => registry.close());

    it("keeps an agent as it was put, and counts its load itself", async () => {
      const agent = record("a", { load: 99, metadata: { room: [1, "é"] } });
      await registry.put(agent);
      expect(await registry.get("a")).toEqual({ ...agent, load: 0 });
      expect(await registry.get("b")).toBeUndefined();
    });

    it("keeps nothing of what a caller does to a record afterwards", async () => {
      const agent = record("a");
      await registry.put(agent);
      agent.maxConcurrency = 50;
      const seen = await registry.get("a");
      if (seen) seen.status = "offline";
      expect(await registry.get("a")).toMatchObject({ maxConcurrency: 2, status: "available" });
    });

    it("reserves up to the bound and gives back", async () => {
      await registry.put(record("a"));
      expect(await registry.reserve(slots("a", "1", "2", "3"), 0)).toEqual([true, true, false]);
      expect((await registry.get("a"))?.load).toBe(2);
      await registry.release(slots("a", "1", "unknown"));
      expect(await registry.reserve(slots("a", "3", "4"), 0)).toEqual([true, false]);
      expect(await registry.reserved()).toEqual(expect.arrayContaining(slots("a", "2", "3")));
    });

    it("takes the same task on the same agent for one slot", async () => {
      await registry.put(record("a"));
      expect(await registry.reserve(slots("a", "1", "1", "1"), 0)).toEqual([true, true, true]);
      expect((await registry.get("a"))?.load).toBe(1);
      await registry.release(slots("a", "1"));
      await registry.release(slots("a", "1"));
      expect((await registry.get("a"))?.load).toBe(0);
    });

    it("reserves nothing of an agent that is unknown or has expired", async () => {
      await registry.put(record("a", { expiresAt: 100 }));
      expect(await registry.reserve([...slots("nobody", "1"), ...slots("a", "1")], 100)).toEqual([
        false,
        false,
      ]);
      expect(await registry.reserve(slots("a", "1"), 99)).toEqual([true]);
    });

    it("keeps reserved slots when an agent registers again, even with a smaller bound", async () => {
      await registry.put(record("a"));
      await registry.reserve(slots("a", "1", "2"), 0);
      await registry.put(record("a", { maxConcurrency: 1 }));
      expect(await registry.get("a")).toMatchObject({ load: 2, maxConcurrency: 1 });
      await registry.release(slots("a", "1"));
      expect(await registry.reserve(slots("a", "3"), 0)).toEqual([false]);
    });

    it("prolongs life by heartbeats, and knows no agent that it doesn't have", async () => {
      await registry.put(record("a", { expiresAt: 100 }));
      expect(await registry.heartbeat("a", 90, 200, "maintenance")).toBe(true);
      expect(await registry.get("a")).toMatchObject({ lastSeen: 90, expiresAt: 200, status: "maintenance" });
      expect(await registry.heartbeat("b", 90, 200, "available")).toBe(false);
      expect(await registry.get("b")).toBeUndefined();
    });

    it("lists the living only, and hands the dead to exactly one caller", async () => {
      await registry.put(record("a", { expiresAt: 100 }));
      await registry.put(record("b", { expiresAt: 101 }));
      expect((await registry.list(100)).map(({ id }) => id)).toEqual(["b"]);
      const taken = await Promise.all([1, 2, 3].map(() => registry.takeExpired(100)));
      expect(taken.flat().map(({ id }) => id)).toEqual(["a"]);
      expect(await registry.get("a")).toBeUndefined();
    });

    it("forgets the slots of an agent that is gone", async () => {
      await registry.put(record("a"));
      await registry.reserve(slots("a", "1"), 0);
      expect(await registry.remove("a")).toMatchObject({ id: "a", load: 1 });
      expect(await registry.remove("a")).toBeUndefined();
      expect(await registry.reserved()).toEqual([]);
    });

    it("keeps outcomes", async () => {
      await registry.put(record("a"));
      await registry.recordOutcome("a", { successes: 3, failures: 1.5, at: 7 });
      await registry.recordOutcome("nobody", { successes: 1, failures: 0, at: 7 });
      expect((await registry.get("a"))?.outcomes).toEqual({ successes: 3, failures: 1.5, at: 7 });
    });

    it("never overbooks and never loses a slot, however callers interleave", async () => {
      const bounds = { a: 1, b: 2, c: 3 };
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(step, { maxLength: 8 }), { maxLength: 4 }), async (callers) => {
          const fresh = await makeRegistry();
          const putAll = async () => {
            for (const [id, maxConcurrency] of Object.entries(bounds))
              await fresh.put(record(id, { maxConcurrency }));
          };
          await putAll();
          const check = async () => {
            for (const agent of await fresh.list(0))
              expect(agent.load).toBeLessThanOrEqual(agent.maxConcurrency);
          };
          const run = async (steps: (typeof callers)[number]) => {
            for (const { kind, slots: asked, yields } of steps) {
              if (kind === "put") await putAll();
              else if (kind === "release") await fresh.release(asked);
              else expect((await fresh.reserve(asked, 0)).length).toBe(asked.length);
              if (yields) await new Promise((resolve) => setImmediate(resolve));
              await check();
            }
          };
          await Promise.all(callers.map(run));
          const held = await fresh.reserved();
          const loads = (await fresh.list(0)).map(({ id, load }) => [id, load]);
          for (const [id, load] of loads)
            expect(held.filter(({ agentId }) => agentId === id).length).toBe(load);
          await fresh.release(held);
          expect(await fresh.reserved()).toEqual([]);
          await fresh.close();
        }),
        { numRuns: 60 },
      );
    });
  });
}
