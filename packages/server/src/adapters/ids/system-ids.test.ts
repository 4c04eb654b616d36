import { expect, it } from "vitest";
import { describeIdsContract } from "../../test/contracts/ids.ts";
import { createSystemIds } from "./system-ids.ts";

describeIdsContract("The system", createSystemIds);

it("The system puts the present into its ids", () => {
  const before = Date.now();
  const at = Number.parseInt(createSystemIds().next().replaceAll("-", "").slice(0, 12), 16);
  expect(Math.abs(at - before)).toBeLessThan(60_000);
});
