import type { Clock } from "../../clock.ts";
import type { SharedCells } from "./shared-cells.ts";

/** Cells kept; with more, those that were changed longest ago are forgotten. */
const mostCells = 1_000;

/** Cells of a node that is alone. */
export function createInMemoryCells({ clock }: { clock: Clock }): SharedCells {
  const cells = new Map<string, { value: unknown; until: number }>();

  return {
    async update(name, change) {
      const now = clock.now();
      const known = cells.get(name);
      const current = known !== undefined && known.until > now ? known.value : undefined;
      const { value, keepMs, result } = change(current as never, now);
      cells.delete(name);
      cells.set(name, { value, until: now + keepMs });
      if (cells.size > mostCells) cells.delete(cells.keys().next().value as string);
      return result;
    },
    async close() {
      cells.clear();
    },
  };
}
