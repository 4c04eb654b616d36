import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../ports/database.ts";
import { freshDatabase } from "../orchestrate.ts";
import { playScript } from "./play-script.ts";
import { scripts } from "./scripts.ts";

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

/** Every run prints its fresh seed when it fails; put it here to play it again. */
const freshSeed = Math.floor(Math.random() * 2 ** 31);

describe("the queue", () => {
  it.each([1, 2, 3, freshSeed])("behaves like the model, seed %i", { timeout: 60_000 }, async (seed) => {
    const parameters = { seed, numRuns: 60, endOnFailure: false };
    await fc.assert(
      fc.asyncProperty(scripts, (script) => playScript(database, script)),
      parameters,
    );
    expect.assertions(0);
  });
});
