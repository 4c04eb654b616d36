import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../ports/database.ts";
import { freshDatabase } from "../orchestrate.ts";
import { mutations, recountMutation, rewriteFor } from "../simulation/mutations.ts";
import { testSeed } from "../test-seed.ts";
import { playScript } from "./play-script.ts";
import type { Outcome } from "./queue-model.ts";
import { type Command, scripts } from "./scripts.ts";

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

const numRuns = 25;
/** Shortening a script that fails may take this long; the shortest so far is shown. */
const shortenForMs = 30_000;

function plan(durationMs: number, outcomes: Outcome[] = [], needs: number[] = []) {
  const often = { maxAttempts: 1, retryDelayMs: 1_000, timeoutMs: 60_500, delayMs: 0, deadlineMs: null };
  return { ...often, durationMs, outcomes, needs, join: "settled" as const };
}
/** A task waits for two that must end. One fails, is retried by hand, and ends again before the other has. */
const retriedMeanwhile: Command[] = [
  {
    kind: "submit",
    afterMs: 1_000,
    tasks: [plan(1_000, ["fatal"]), plan(4_000), plan(1_000, [], [0, 1])],
    backwards: false,
  },
  { kind: "retry", afterMs: 2_000, task: 0 },
];
/** The second attempt has a millisecond until the deadline, and nothing else happens then. */
const cutByDeadline: Command[] = [
  {
    kind: "submit",
    afterMs: 1_000,
    tasks: [
      { ...plan(1_000, ["silent"]), maxAttempts: 2, timeoutMs: 60_500, delayMs: 4_000, deadlineMs: 14_001 },
      { ...plan(1_000), maxAttempts: 2, timeoutMs: 1_500 },
    ],
    backwards: false,
  },
];

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

describe("the model notices when", () => {
  const visible = new Set(["complete", "retry_tasks", "end_tasks", "find_overdue"]);

  it.each(mutations.filter(({ statement }) => visible.has(statement)))("$fault", async (mutation) => {
    const property = fc.asyncProperty(scripts, (script) =>
      playScript(database, script, rewriteFor(mutation)),
    );
    const { failed } = await fc.check(property, { seed: 1, numRuns: 200, endOnFailure: true });
    expect(failed).toBe(true);
  });

  it(recountMutation.fault, async () => {
    const playing = playScript(database, retriedMeanwhile, rewriteFor(recountMutation));
    await expect(playing).rejects.toThrow("no early start");
  });
});
