import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { Described } from "./record-text.ts";
import { createRegistryMirror, type Snapshot } from "./registry-mirror.ts";

const described = (id: string, load = 0): Described => [
  id,
  JSON.stringify({ name: id, maxConcurrency: 2 }),
  "available",
  "1",
  "100",
  '{"successes":0,"failures":0,"at":0}',
  String(load),
];

/** A registry that changes when it is told to; what it publishes and snapshots arrive when the test lets them. */
class FakeRegistry {
  epoch = "1";
  version = 0;
  agents = new Map<string, number>();
  published: string[] = [];
  asked: { snapshot: Snapshot; resolve: (snapshot: Snapshot) => void }[] = [];

  publish(...changes: unknown[]): void {
    this.version += 1;
    this.published.push(JSON.stringify([this.epoch, String(this.version), changes]));
  }

  put(id: string): void {
    const load = this.agents.get(id) ?? 0;
    this.agents.set(id, load);
    this.publish(["put", ...described(id, load)]);
  }

  load(id: string, load: number): void {
    if (!this.agents.has(id)) return;
    this.agents.set(id, load);
    this.publish(["load", id, String(load)]);
  }

  remove(id: string): void {
    if (this.agents.delete(id)) this.publish(["gone", id]);
  }

  empty(): void {
    this.agents.clear();
    this.epoch = String(Number(this.epoch) + 1);
    this.version = 0;
    this.publish(["emptied"]);
  }

  /** Taken when it is asked for, given when the test says so. */
  snapshot = (): Promise<Snapshot> =>
    new Promise((resolve) => {
      const agents = [...this.agents].map(([id, load]) => described(id, load));
      this.asked.push({ snapshot: { epoch: this.epoch, version: this.version, agents }, resolve });
    });

  answer(): void {
    const asked = this.asked.shift();
    asked?.resolve(asked.snapshot);
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

function deliverOne(registry: FakeRegistry, mirror: { receive(text: string): void }): void {
  const text = registry.published.shift();
  if (text !== undefined) mirror.receive(text);
}

async function deliverAll(registry: FakeRegistry, mirror: { receive(text: string): void }): Promise<void> {
  for (let rounds = 0; registry.published.length > 0 || registry.asked.length > 0; rounds++) {
    if (rounds > 50) throw new Error("The mirror asks for snapshots for ever.");
    for (const text of registry.published.splice(0)) mirror.receive(text);
    registry.answer();
    await settle();
  }
}

const id = fc.constantFrom("a", "b", "c");
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("put" as const), id }),
    fc.record({ kind: fc.constant("load" as const), id, load: fc.integer({ min: 0, max: 3 }) }),
    fc.record({ kind: fc.constant("remove" as const), id }),
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("empty" as const) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("deliver" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("lose" as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("answer" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("reload" as const) }) },
  ),
  { maxLength: 60 },
);

describe("a mirror of the registry", () => {
  test("comes to show what the registry knows, however changes and snapshots meet", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        const registry = new FakeRegistry();
        const mirror = createRegistryMirror(registry.snapshot);
        mirror.follow();
        for (const step of history) {
          if (step.kind === "put") registry.put(step.id);
          else if (step.kind === "load") registry.load(step.id, step.load);
          else if (step.kind === "remove") registry.remove(step.id);
          else if (step.kind === "empty") registry.empty();
          else if (step.kind === "deliver") deliverOne(registry, mirror);
          else if (step.kind === "lose") registry.published.shift();
          else if (step.kind === "reload") mirror.reload();
          else registry.answer();
          await settle();
        }
        // The next change shows whether one before it was lost.
        registry.put("last");
        await deliverAll(registry, mirror);
        const seen = mirror.list(0).map((record) => [record.id, record.load]);
        expect(new Map(seen as [string, number][])).toEqual(registry.agents);
        mirror.close();
      }),
      { numRuns: 300 },
    );
  });

  test("lets whoever made a change wait until it is seen, and not for ever", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const registry = new FakeRegistry();
      const mirror = createRegistryMirror(registry.snapshot);
      mirror.follow();
      await deliverAll(registry, mirror);
      registry.put("a");
      let reached = false;
      const reach = mirror.reach({ epoch: "1", version: 1 }).then(() => {
        reached = true;
      });
      await settle();
      expect(reached).toBe(false);
      mirror.receive(registry.published.shift() as string);
      await reach;
      expect(mirror.get("a")?.id).toBe("a");

      registry.put("b");
      registry.published.length = 0;
      const missed = mirror.reach({ epoch: "1", version: 2 });
      await vi.advanceTimersByTimeAsync(250);
      await missed;
      expect(registry.asked).toHaveLength(1);
      await deliverAll(registry, mirror);
      expect(mirror.get("b")?.id).toBe("b");
      mirror.close();
    } finally {
      vi.useRealTimers();
    }
  });

  test("remembers for a minute whom an emptied registry lost, and nobody who was removed", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const registry = new FakeRegistry();
      const mirror = createRegistryMirror(registry.snapshot);
      mirror.follow();
      for (const id of ["a", "b", "c"]) registry.put(id);
      await deliverAll(registry, mirror);
      registry.remove("b");
      registry.empty();
      registry.put("c");
      await deliverAll(registry, mirror);
      const position = { epoch: registry.epoch, version: registry.version };
      expect(["a", "b", "c"].map((id) => mirror.hasLost(id, position))).toEqual([true, false, false]);
      expect(mirror.get("a")?.id).toBe("a");
      expect(mirror.list(0).map(({ id }) => id)).toEqual(["c"]);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(mirror.get("a")).toBeUndefined();
      mirror.close();
    } finally {
      vi.useRealTimers();
    }
  });
});
