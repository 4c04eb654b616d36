import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { WaitRow } from "../queue/statements/deadlocks.ts";
import { circleIn, graphOf, inherited, pathOf, victimOf } from "./wait-graph.ts";

const row = (id: string, waits_for: string | null, more: Partial<WaitRow> = {}): WaitRow => ({
  id,
  tenant: "t",
  priority: 5,
  started_at: null,
  status: "waiting",
  waits_for,
  kind: waits_for === null ? null : "need",
  lock_tenant: null,
  lock_name: null,
  lock_token: null,
  ...more,
});

const edges = fc.array(fc.tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 7 })), {
  maxLength: 20,
});

describe("the graph of waiting", () => {
  it("has a circle exactly where following its edges comes back", () => {
    fc.assert(
      fc.property(edges, (pairs) => {
        const rows = pairs.map(([from, to]) => row(`${from}`, `${to}`));
        const ends = pairs.map(([, to]) => row(`${to}`, null));
        const circle = circleIn(graphOf([...rows, ...ends]));
        const next = (ids: Set<string>) =>
          new Set(rows.filter((one) => ids.has(one.id)).map((one) => one.waits_for as string));
        const comesBack = pairs.some(([from]) => {
          let at = next(new Set([`${from}`]));
          for (let step = 0; step < 8 && !at.has(`${from}`); step++) at = new Set([...at, ...next(at)]);
          return at.has(`${from}`);
        });
        expect(circle !== null).toBe(comesBack);
        circle?.forEach((task, place) => {
          const following = circle[(place + 1) % circle.length]?.id;
          expect(task.edges.some((edge) => edge.waits_for === following)).toBe(true);
        });
      }),
    );
  });

  it("passes the highest priority of whoever waits on to all that is waited for, and lowers none", () => {
    fc.assert(
      fc.property(
        edges,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 8, maxLength: 8 }),
        (pairs, own) => {
          const all = own.map((priority, id) => row(`${id}`, null, { priority }));
          const rows = pairs.map(([from, to]) => row(`${from}`, `${to}`, { priority: own[from] as number }));
          const raised = new Map(inherited(graphOf([...all, ...rows])).map((one) => [one.id, one.priority]));
          const after = own.map((priority, id) => raised.get(`${id}`) ?? priority);
          for (const [id, priority] of own.entries()) expect(after[id]).toBeGreaterThanOrEqual(priority);
          for (const [from, to] of pairs) expect(after[to]).toBeGreaterThanOrEqual(after[from] as number);
        },
      ),
    );
  });

  it("chooses who gives way by policy, and says the path from there", () => {
    const circle = circleIn(
      graphOf([
        row("a", "b", { started_at: 1, kind: "lock", lock_name: "door" }),
        row("b", "c", { started_at: 90, kind: "wait" }),
        row("c", "a", { started_at: 50 }),
      ]),
    );
    if (circle === null) throw new Error("There is a circle.");
    expect(victimOf(circle, "fail-youngest", 100).id).toBe("c");
    const cheapest = victimOf(circle, "fail-cheapest", 100);
    expect(cheapest.id).toBe("b");
    expect(pathOf(circle, cheapest)).toBe(
      "task b waits for its sub-task task c needs task a waits for lock door, held by task b",
    );
  });
});
