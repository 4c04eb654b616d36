import fc from "fast-check";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { Database } from "../../ports/database.ts";
import { freshDatabase } from "../orchestrate.ts";
import { testSeed } from "../test-seed.ts";
import { cutByDeadline, retriedMeanwhile } from "./known-scripts.ts";
import { playScript } from "./play-script.ts";
import { scripts } from "./scripts.ts";

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

const numRuns = 25;
/** Shortening a script that fails may take this long; the shortest so far is shown. */
const shortenForMs = 30_000;

describe("the queue", () => {
  // Its seed is in the name of the test, and a failure names the path to its script.
  const seeds = [1, 2, testSeed()];
  it.each(seeds)("does what the model says, seed %i", { timeout: 120_000 }, async (seed) => {
    let failedAt = Number.POSITIVE_INFINITY;
    const property = fc.asyncProperty(scripts, async (script) => {
      if (Date.now() > failedAt + shortenForMs) return;
      await playScript(database, script).catch((error) => {
        failedAt = Math.min(failedAt, Date.now());
        throw error;
      });
    });
    await fc.assert(property, { seed, numRuns, examples: [[retriedMeanwhile], [cutByDeadline]] });
  });
});
