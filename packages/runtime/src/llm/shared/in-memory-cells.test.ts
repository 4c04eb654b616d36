import { expect, test } from "vitest";
import { hostClock } from "../../clock.ts";
import { describeCellsContract } from "../../test/shared-cells-contract.ts";
import { createInMemoryCells } from "./in-memory-cells.ts";

describeCellsContract("memory", async () => {
  const cells = createInMemoryCells({ clock: hostClock });
  return [cells, cells];
});

test("no more than a thousand are kept", async () => {
  const cells = createInMemoryCells({ clock: hostClock });
  const put = (known: number | undefined) => ({ value: 1, keepMs: 60_000, result: known });
  for (let cell = 0; cell <= 1_000; cell++) await cells.update(`${cell}`, put);
  expect(await cells.update("1000", put)).toBe(1);
  expect(await cells.update("0", put)).toBeUndefined();
});
