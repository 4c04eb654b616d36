import type { BudgetState } from "@muster/sdk/protocol";
import { formatDuration } from "./format-duration.ts";

/** What was spent of each limit, and what was reached: `money 0.42 of 2.50, tokens 1200`. */
export function describeBudget({ limits, spent, reserved, reached, onReached }: BudgetState): string {
  const parts = [
    amount("money", money(spent.moneyMicros), limits.moneyMicros, money),
    amount("tokens", String(spent.tokens), limits.tokens, String),
    amount("tasks", String(spent.tasks), limits.tasks, String),
    limits.timeMs === undefined ? "" : `time ${formatDuration(limits.timeMs)}`,
    limits.depth === undefined ? "" : `depth ${limits.depth}`,
    limits.concurrency === undefined ? "" : `${limits.concurrency} at once`,
    reserved.moneyMicros > 0 ? `${money(reserved.moneyMicros)} set aside` : "",
    reserved.tokens > 0 ? `${reserved.tokens} tokens set aside` : "",
  ];
  const state =
    reached === null ? `then ${onReached}` : `${reached.kind} reached ${reached.at}: ${onReached}`;
  return [...parts.filter((part) => part !== ""), state].join(", ");
}

const amount = (name: string, spent: string, limit: number | undefined, show: (value: number) => string) =>
  limit === undefined ? `${name} ${spent}` : `${name} ${spent} of ${show(limit)}`;

/** Millionths as people write money: two places, or as many as it takes. */
const money = (micros: number): string => (micros / 1_000_000).toFixed(6).replace(/(\.\d\d\d*?)0+$/, "$1");
