import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../ports/database.ts";
import { freshDatabase } from "../orchestrate.ts";
import { describeFailure } from "./describe-failure.ts";
import { simulate } from "./simulate.ts";

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

/** Another history in every run; its seed is in the name of its test. */
const freshSeed = Math.floor(Math.random() * 2 ** 31);
const fixedSeeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const steps = 80;

describe("a world in which everything goes wrong", () => {
  it.each([...fixedSeeds, freshSeed])("keeps every rule, seed %i", { timeout: 60_000 }, async (seed) => {
    const result = await simulate(database, { seed, steps });
    if (result.violations.length > 0) expect.fail(await describeFailure(database, result));
    expect(result.tasks).toBeGreaterThan(10);
  });

  it.each([1, freshSeed])("is the same world twice, seed %i", { timeout: 60_000 }, async (seed) => {
    const first = await simulate(database, { seed, steps });
    const second = await simulate(database, { seed, steps });
    expect(second.lines).toEqual(first.lines);
    expect(second.hash).toBe(first.hash);
  });
});
