import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../ports/database.ts";
import { freshDatabase } from "../orchestrate.ts";
import { mutations, rewriteFor } from "./mutations.ts";
import { simulate } from "./simulate.ts";

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

const steps = 90;
const mostSeeds = 20;

describe("the rules of the simulation notice when", () => {
  it.each(mutations)("$fault", { timeout: 120_000 }, async (mutation) => {
    for (const seed of [mutation.caughtBy, ...Array.from({ length: mostSeeds }, (_, n) => n + 1)]) {
      const { violations } = await simulate(database, { seed, steps, rewrite: rewriteFor(mutation) });
      if (violations.length > 0) return;
    }
    expect.fail(`${mostSeeds} seeds did not show it`);
  });
});
