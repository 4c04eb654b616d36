import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findCycle } from "./graph.ts";

const walk = (edges: Record<string, string[]>) => findCycle(Object.keys(edges), (node) => edges[node] ?? []);

describe("findCycle", () => {
  it("names the path of a cycle", () => {
    expect(walk({ a: ["b"], b: ["c"], c: ["b"] })).toEqual(["b", "c", "b"]);
    expect(walk({ a: ["a"] })).toEqual(["a", "a"]);
  });

  it("is not misled by a diamond or by roots that share nodes", () => {
    expect(walk({ a: ["b", "c"], b: ["d"], c: ["d"], d: [], e: ["d", "a"] })).toBeNull();
  });

  it("survives a chain of a hundred thousand", () => {
    const size = 100_000;
    expect(findCycle([0], (n) => (n < size ? [n + 1] : []))).toBeNull();
    expect(findCycle([0], (n) => (n < size ? [n + 1] : [0]))).toHaveLength(size + 2);
  });

  it("finds a true cycle exactly where there is one", () => {
    const graph = fc
      .integer({ min: 1, max: 12 })
      .chain((size) =>
        fc.array(fc.array(fc.nat(size - 1), { maxLength: 4 }), { minLength: size, maxLength: size }),
      );
    fc.assert(
      fc.property(graph, (edges) => {
        const cycle = findCycle(edges.keys(), (node) => edges[node] as number[]);
        if (cycle !== null) {
          expect(cycle[0]).toBe(cycle.at(-1));
          for (const [place, node] of cycle.slice(0, -1).entries()) {
            expect(edges[node]).toContain(cycle[place + 1]);
          }
          return;
        }
        // Without a cycle, removing the nodes that wait for nothing again and again empties the graph.
        const left = new Map(edges.map((targets, node) => [node, new Set(targets)]));
        for (let round = 0; round < edges.length; round++) {
          for (const [node, targets] of left) if ([...targets].every((t) => !left.has(t))) left.delete(node);
        }
        expect(left.size).toBe(0);
      }),
    );
  });
});
