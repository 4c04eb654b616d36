import { readWholeLog } from "./read-log.ts";
import { type SimulationOptions, type SimulationResult, simulate } from "./simulate.ts";
import type { WorldDatabase } from "./world-database.ts";

/** Lines of the log that are shown at most. */
const mostLines = 80;

/** The fewest steps that still break a rule, by halving; the history of fewer steps is the beginning of the same. */
async function shorten(
  worlds: WorldDatabase,
  failure: SimulationResult,
  rewrite: SimulationOptions["rewrite"],
): Promise<SimulationResult> {
  let shortest = failure;
  let tooFew = 0;
  while (shortest.steps - tooFew > 1) {
    const steps = (shortest.steps + tooFew) >> 1;
    const result = await simulate(worlds, {
      seed: failure.seed,
      steps,
      ...(rewrite === undefined ? {} : { rewrite }),
    });
    if (result.violations.length > 0) shortest = result;
    else tooFew = steps;
  }
  return simulate(worlds, {
    seed: failure.seed,
    steps: shortest.steps,
    ...(rewrite === undefined ? {} : { rewrite }),
  });
}

/** What a person needs to find the cause: the seed, the fewest steps, the rule, and the story of its tasks. */
export async function describeFailure(
  worlds: WorldDatabase,
  failure: SimulationResult,
  rewrite?: SimulationOptions["rewrite"],
): Promise<string> {
  const shortest = await shorten(worlds, failure, rewrite);
  const [violation] = shortest.violations;
  if (violation === undefined) {
    const [seen] = failure.violations;
    return `seed ${failure.seed}: fine the second time; the first time ${seen?.rule}: ${seen?.detail}`;
  }
  const ids = new Set(violation.taskIds);
  const events = (await readWholeLog(worlds.database))
    .filter((event) => event.task_id !== null && ids.has(event.task_id))
    .map((event) => `  ${event.seq} ${event.type} ${event.task_id} ${JSON.stringify(event.data)}`);
  const told = shortest.lines.filter((line) => violation.taskIds.some((id) => line.includes(id)));
  const recent = shortest.lines.slice(-mostLines / 2);
  return [
    `seed ${shortest.seed}, ${shortest.steps} steps: ${violation.rule}: ${violation.detail}`,
    "Events of its tasks:",
    ...events.slice(-mostLines),
    "What was noted about them:",
    ...told.slice(-mostLines).map((line) => `  ${line}`),
    "The end of the log:",
    ...recent.map((line) => `  ${line}`),
  ].join("\n");
}
