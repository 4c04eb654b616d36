import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../ports/database.ts";
import { freshDatabase } from "../orchestrate.ts";
import { mutations, recountMutation, rewriteFor } from "../simulation/mutations.ts";
import { retriedMeanwhile } from "./known-scripts.ts";
import { playScript } from "./play-script.ts";
import { scripts } from "./scripts.ts";

// Proves the model, which is the same whatever store the queue is in: the embedded one, where it is quickest, is enough.

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

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
