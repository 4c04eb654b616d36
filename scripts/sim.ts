// Plays histories of a simulated world in which everything goes wrong; `usage` says how.
import { existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { describeFailure } from "../packages/server/src/test/simulation/describe-failure.ts";
import { simulate } from "../packages/server/src/test/simulation/simulate.ts";
import { createWorldDatabase } from "../packages/server/src/test/simulation/world-database.ts";
import { readArguments, readNumber } from "./read-arguments.ts";

const usage = `
Plays histories of a simulated world in which everything goes wrong, each twice, and checks that all rules held
and that both were the same.

  npm run sim -- --seed 7 --steps 300 --seeds 20
  npm run sim -- --seed 1 --seeds 10000 --once --brief --pause-file /tmp/pause

  --seed N         the first seed (a fresh one)
  --seeds N        so many seeds from there on (1)
  --steps N        length of a history (120)
  --once           plays each world once
  --brief          one line per hundred seeds that were fine
  --pause-file F   nothing is begun while this file is there
  --help           this

Prints one line per seed. Where a rule was broken it looks for the fewest steps that break one, and prints the rule and
what was noted about the tasks in question. Ends with 1 if anything was wrong, with 2 if it was used wrongly.
`;

const pauseMs = 5_000;
const seedsPerLine = 100;

const { values } = readArguments(usage, {
  options: {
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    steps: { type: "string", default: "120" },
    seeds: { type: "string", default: "1" },
    once: { type: "boolean", default: false },
    brief: { type: "boolean", default: false },
    "pause-file": { type: "string" },
  },
});

const first = readNumber("seed", values.seed);
const steps = readNumber("steps", values.steps);
const seeds = readNumber("seeds", values.seeds);
/** Waits as long as somebody else needs the machine. */
async function whilePaused(): Promise<void> {
  const file = values["pause-file"];
  while (file !== undefined && existsSync(file)) await setTimeout(pauseMs);
}

const worlds = await createWorldDatabase();
const failed: number[] = [];

for (let seed = first; seed < first + seeds; seed++) {
  await whilePaused();
  const startedAt = performance.now();
  const result = await simulate(worlds, { seed, steps });
  const same = values.once || (await simulate(worlds, { seed, steps })).hash === result.hash;
  const took = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const counts = `${result.tasks} tasks, ${result.events} events, ${Math.round(result.simulatedMs / 1_000)} s simulated`;
  const verdict = result.violations.length > 0 ? "BROKEN" : same ? "fine" : "NOT REPEATABLE";
  const told = !values.brief || verdict !== "fine" || (seed - first + 1) % seedsPerLine === 0;
  if (told) console.log(`seed ${seed}: ${verdict}; ${counts}; ${took} s; ${result.hash.slice(0, 12)}`);
  if (verdict === "fine") continue;
  failed.push(seed);
  if (result.violations.length > 0) console.log(await describeFailure(worlds, result));
}

console.log(
  failed.length === 0
    ? `${seeds} seeds, all rules held.`
    : `${failed.length} of ${seeds} seeds failed: ${failed.join(", ")}. Again: npm run sim -- --seed ${failed[0]} --steps ${steps}`,
);
await worlds.close();
process.exitCode = failed.length === 0 ? 0 : 1;
