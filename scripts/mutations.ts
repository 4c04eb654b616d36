// Proves that the rules of the simulation can be broken; `usage` says how. Not among the tests: it takes minutes, and
// whether a seed shows a fault changes with every change of the core.
import { budgetMutations } from "../packages/server/src/test/simulation/budget-mutations.ts";
import { type Mutation, mutations, rewriteFor } from "../packages/server/src/test/simulation/mutations.ts";
import { simulate } from "../packages/server/src/test/simulation/simulate.ts";
import { createWorldDatabase } from "../packages/server/src/test/simulation/world-database.ts";
import { readArguments, refuse } from "./read-arguments.ts";

const usage = `
Proves that the rules of the simulation can be broken: plays histories on a core with one deliberate fault at a time
and looks for a seed that shows it.

  npm run mutations

  --only WORDS   those faults whose description has these words
  --help         this

Prints one line per fault. Ends with 1 if one was not noticed, with 2 if it was used wrongly.
`;

const { values: options } = readArguments(usage, { options: { only: { type: "string", default: "" } } });
const steps = 90;
/** Looked through when the seed at hand shows nothing any more. */
const mostSeeds = 60;

const worlds = await createWorldDatabase();

async function firstSeedThatShows(mutation: Mutation): Promise<number | null> {
  for (const seed of [mutation.caughtBy, ...Array.from({ length: mostSeeds }, (_, n) => n + 1)]) {
    const { violations } = await simulate(worlds, { seed, steps, rewrite: rewriteFor(mutation) });
    if (violations.length > 0) return seed;
  }
  return null;
}

const all = [...mutations, ...budgetMutations].filter(({ fault }) => fault.includes(options.only));
if (all.length === 0) refuse(`No fault is described with "${options.only}".`);
let unnoticed = 0;
for (const mutation of all) {
  const seed = await firstSeedThatShows(mutation);
  if (seed === null) unnoticed += 1;
  const verdict = seed === null ? `NOT noticed in ${mostSeeds + 1} seeds` : `noticed, seed ${seed}`;
  console.log(`${mutation.fault}: ${verdict}`);
}
console.log(`${all.length - unnoticed} of ${all.length} faults noticed`);
await worlds.close();
process.exitCode = unnoticed === 0 ? 0 : 1;
