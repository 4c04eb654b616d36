import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freshSeed } from "../test-seed.ts";
import { describeFailure } from "./describe-failure.ts";
import { type SimulationResult, simulate } from "./simulate.ts";
import { createWorldDatabase, type WorldDatabase } from "./world-database.ts";

let worlds: WorldDatabase;
beforeAll(async () => {
  worlds = await createWorldDatabase();
});
afterAll(() => worlds.close());

/** Another history in every run, also where MUSTER_TEST_SEED fixes other tests; its seed is in the name of its test. */
const fresh = freshSeed();
const fixedSeeds = [1, 2, 3, 4, 5, 6];
const steps = 80;

/** What was played already, by its seed. */
const played = new Map<number, SimulationResult>();
async function play(seed: number): Promise<SimulationResult> {
  const result = await simulate(worlds, { seed, steps });
  played.set(seed, result);
  return result;
}

describe("a world in which everything goes wrong", () => {
  it.each([...fixedSeeds, fresh])("keeps every rule, seed %i", { timeout: 60_000 }, async (seed) => {
    const result = await play(seed);
    if (result.violations.length > 0) expect.fail(await describeFailure(worlds, result));
    expect(result.tasks).toBeGreaterThan(10);
  });

  it.each([1, fresh])("is the same world twice, seed %i", { timeout: 60_000 }, async (seed) => {
    const first = played.get(seed) ?? (await play(seed));
    const second = await simulate(worlds, { seed, steps });
    expect(second.lines).toEqual(first.lines);
    expect(second.hash).toBe(first.hash);
  });
});
