import type { TaskError } from "@muster/sdk/protocol";
import type { BudgetRow } from "../queue/statements/retry-budgets.ts";
import { fullBudget } from "../resilience/retry-budget.ts";
import type { Words } from "./explain.ts";

interface EndedAttempt {
  number: number;
  agent_name: string;
  started_at: number;
  ended_at: number;
  error: TaskError;
}

/** A message may be long; more than this does not help to see what happened. */
const shownMessage = 500;

/** Every attempt that ended without a result, one line each. */
export const describeAttempts = (attempts: readonly EndedAttempt[]): string[] =>
  attempts.map(({ number, agent_name, started_at, ended_at, error }) => {
    const message =
      error.message.length > shownMessage ? `${error.message.slice(0, shownMessage)}…` : error.message;
    return `Attempt ${number} by ${agent_name} failed after ${((ended_at - started_at) / 1_000).toFixed(1)} s: ${error.code}: ${message}`;
  });

/** Of a retry that the budget of its capability holds back. */
export function explainHeld(
  row: (BudgetRow & { waiting: number }) | undefined,
  capability: string,
  tried: readonly string[],
  relative: (at: number | null) => string,
): Words {
  const { perMinute, share } = fullBudget(row?.budget ?? null);
  return {
    summary: `It waits for the retry budget of ${capability}, which fails too often to try everything again at once.`,
    reasons: [
      `Retries of ${capability} are limited to ${perMinute} a minute and ${share} for each task that it lately completed.`,
      ...(row === undefined
        ? []
        : [`${row.waiting} retries wait for it, the first of them can go ${relative(row.due_at)}.`]),
      ...tried,
    ],
    nextSteps: [`muster agents --capability ${capability}`],
  };
}
