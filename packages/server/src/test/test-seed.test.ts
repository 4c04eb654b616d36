import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fixedSeed, testSeed } from "./test-seed.ts";

describe("the seed of random tests", () => {
  it("is the one that is given", () => {
    expect(fixedSeed({ MUSTER_TEST_SEED: "0" })).toBe(0);
    expect(fixedSeed({ MUSTER_TEST_SEED: "2147483647" })).toBe(2_147_483_647);
  });

  it("is a fresh one where none is given", () => {
    expect(fixedSeed({})).toBeUndefined();
    expect(fixedSeed({ MUSTER_TEST_SEED: "" })).toBeUndefined();
    const drawn = testSeed();
    expect(Number.isInteger(drawn) && drawn >= 0 && drawn < 2 ** 31).toBe(true);
  });

  it.each(["-1", "1.5", "2147483648", "today"])("refuses %s", (given) => {
    expect(() => fixedSeed({ MUSTER_TEST_SEED: given })).toThrow(
      `MUSTER_TEST_SEED is a whole number from 0 to 2147483647, not "${given}".`,
    );
  });

  it("is the one that properties start from in this very run", () => {
    expect(fc.readConfigureGlobal()?.seed).toBe(fixedSeed());
    const drawn = () =>
      fc.check(
        fc.property(fc.integer(), () => {}),
        { numRuns: 1 },
      ).seed;
    if (fixedSeed() === undefined) expect(new Set(Array.from({ length: 20 }, drawn)).size).toBeGreaterThan(1);
    else expect(drawn()).toBe(fixedSeed());
  });
});
