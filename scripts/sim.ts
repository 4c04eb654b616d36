/**
 * Plays histories of a simulated world in which everything goes wrong, each twice, and checks that all rules held
 * and that both were the same:
 *
 *   npm run sim -- --seed 7 --steps 300 --seeds 20
 *
 * Prints one line per seed. Where a rule was broken it looks for the fewest steps that break one, and prints the
 * rule and what was noted about the tasks in question. Ends with 1 if anything was wrong.
 */
import { parseArgs } from "node:util";
import { freshDatabase } from "../packages/server/src/test/orchestrate.ts";
import { describeFailure } from "../packages/server/src/test/simulation/describe-failure.ts";
import { simulate } from "../packages/server/src/test/simulation/simulate.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    steps: { type: "string", default: "120" },
    seeds: { type: "string", default: "1" },
    once: { type: "boolean", default: false },
  },
});

function numberOf(name: "seed" | "steps" | "seeds"): number {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 0) {
    console.error(`--${name} must be a whole number, not "${values[name]}".`);
    process.exit(2);
  }
  return value;
}

const first = numberOf("seed");
const steps = numberOf("steps");
const seeds = numberOf("seeds");
const database = await freshDatabase();
const failed: number[] = [];

for (let seed = first; seed < first + seeds; seed++) {
  const startedAt = performance.now();
  const result = await simulate(database, { seed, steps });
  const same = values.once || (await simulate(database, { seed, steps })).hash === result.hash;
  const took = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const counts = `${result.tasks} tasks, ${result.events} events, ${Math.round(result.simulatedMs / 1_000)} s simulated`;
  const verdict = result.violations.length > 0 ? "BROKEN" : same ? "fine" : "NOT REPEATABLE";
  console.log(`seed ${seed}: ${verdict}; ${counts}; ${took} s; ${result.hash.slice(0, 12)}`);
  if (verdict === "fine") continue;
  failed.push(seed);
  if (result.violations.length > 0) console.log(await describeFailure(database, result));
}

console.log(
  failed.length === 0
    ? `${seeds} seeds, all rules held.`
    : `${failed.length} of ${seeds} seeds failed: ${failed.join(", ")}. Again: npm run sim -- --seed ${failed[0]} --steps ${steps}`,
);
await database.close();
process.exitCode = failed.length === 0 ? 0 : 1;
