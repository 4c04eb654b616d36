/** What the command line knows of goals. Neither models nor embeddings are loaded before they are asked for. */
import type { MatchOptions } from "./match-words.ts";
import type { PlannerStart, StartedPlanner } from "./start-planner.ts";

export type { PlannerStart, StartedPlanner };

/** Starts the agent that plans, where there is a model. */
export const startPlanner = async (options: PlannerStart): Promise<StartedPlanner> =>
  (await import("./start-planner.ts")).startPlanner(options);

/** How near texts are to words, see match-words.ts. */
export const matchWords = async (
  words: string,
  texts: readonly string[],
  options: MatchOptions = {},
): Promise<number[]> => (await import("./match-words.ts")).matchWords(words, texts, options);
