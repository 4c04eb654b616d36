import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SharedCells } from "../llm/shared/shared-cells.ts";

/** Two nodes that share their cells; where there is but one, it may be given twice. */
export type MakeCells = () => Promise<[SharedCells, SharedCells]>;

const count = (by: number) => (known: number | undefined) => {
  const value = (known ?? 0) + by;
  return { value, keepMs: 60_000, result: value };
};

/** What all shared cells must do. */
export function describeCellsContract(name: string, makeCells: MakeCells): void {
  describe(`${name} as shared cells`, () => {
    let nodes: [SharedCells, SharedCells];
    beforeEach(async () => {
      nodes = await makeCells();
    });
    afterEach(async () => {
      for (const node of nodes) await node.close();
    });

    test("begin empty, and show each node what the other wrote", async () => {
      expect(await nodes[0].update("a", count(1))).toBe(1);
      expect(await nodes[1].update("a", count(1))).toBe(2);
      expect(await nodes[0].update("b", count(5))).toBe(5);
    });

    test("lose no change, however many come at once", async () => {
      const changes = Array.from({ length: 60 }, (_, index) =>
        nodes[index % 2 ? 0 : 1].update("a", count(1)),
      );
      const seen = await Promise.all(changes);
      expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    });

    test("keep a value as long as they were told", async () => {
      const put = (known: string | undefined) => ({ value: "there", keepMs: 50, result: known });
      await nodes[0].update("a", put);
      await expect.poll(() => nodes[1].update("a", put), { interval: 80 }).toBeUndefined();
    });

    test("tell a time that both agree on, and does not stand still", async () => {
      const time = (_: unknown, now: number) => ({ value: now, keepMs: 1_000, result: now });
      const first = await nodes[0].update("a", time);
      const second = await nodes[1].update("a", time);
      expect(second).toBeGreaterThanOrEqual(first);
      await expect.poll(() => nodes[0].update("a", time)).toBeGreaterThan(first);
    });

    test("leave a cell as it was where the change fails", async () => {
      await nodes[0].update("a", count(1));
      const failing = nodes[0].update("a", () => {
        throw new RangeError("mine");
      });
      await expect(failing).rejects.toThrow(RangeError);
      expect(await nodes[1].update("a", count(1))).toBe(2);
    });
  });
}
