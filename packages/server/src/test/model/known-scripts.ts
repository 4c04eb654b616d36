import type { Outcome } from "./queue-model.ts";
import type { Command } from "./scripts.ts";

function plan(durationMs: number, outcomes: Outcome[] = [], needs: number[] = []) {
  const often = { maxAttempts: 1, retryDelayMs: 1_000, timeoutMs: 60_500, delayMs: 0, deadlineMs: null };
  return { ...often, durationMs, outcomes, needs, join: "settled" as const };
}
/** A task waits for two that must end. One fails, is retried by hand, and ends again before the other has. */
export const retriedMeanwhile: Command[] = [
  {
    kind: "submit",
    afterMs: 1_000,
    tasks: [plan(1_000, ["fatal"]), plan(4_000), plan(1_000, [], [0, 1])],
    backwards: false,
  },
  { kind: "retry", afterMs: 2_000, task: 0 },
];
/** The second attempt has a millisecond until the deadline, and nothing else happens then. */
export const cutByDeadline: Command[] = [
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
