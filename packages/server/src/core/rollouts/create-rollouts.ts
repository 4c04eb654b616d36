import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Log } from "../../ports/log.ts";
import type { Signals } from "../../ports/signals.ts";
import type { Announce } from "../aftermath.ts";
import type { OutcomeRecorder } from "../completion/settle.ts";
import type { Submit } from "../intake/submit-tasks.ts";
import { createJudge, type Judge } from "./judge-rollouts.ts";
import { createRolloutBoard } from "./rollout-board.ts";
import { createSeatTasks } from "./seat-tasks.ts";
import { createShadows } from "./shadows.ts";

export interface RolloutDependencies {
  database: Database;
  clock: Clock;
  ids: Ids;
  log: Log;
  announce: Announce;
  signals?: Signals;
}

/**
 * Rollouts bring a new version of an agent in, step by step. What each part knows of them: the *board*, who of which
 * side may take which task; *seating*, how tasks that wait come to their side; the *judge*, when a rollout goes on or
 * back; and *shadows*, how the candidate does over again what is done already, for comparison.
 */
export function createRollouts(deps: RolloutDependencies) {
  const board = createRolloutBoard(deps);
  return {
    board,
    seating: {
      isUnseated: (route: string) => board.unseated(route) !== undefined,
      seat: createSeatTasks({ database: deps.database, board }),
    },
    judgeWith: (submit: Submit): Judge =>
      createJudge({ ...deps, board, shadows: createShadows({ ...deps, submit }) }),
  };
}

/** Every outcome says something of the agent, and perhaps of a rollout. */
export const withNotes = (
  recorder: Pick<OutcomeRecorder, "recordOutcome">,
  judge: Judge,
): OutcomeRecorder => ({
  recordOutcome(agentId, success) {
    recorder.recordOutcome(agentId, success);
    judge.noteOutcome();
  },
  shadowEnded: () => judge.noteOutcome(),
});
