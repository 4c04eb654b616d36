import type { TaskError } from "@muster/sdk/protocol";
import type { Random } from "../../ports/random.ts";
import type { EffectiveRetry } from "./retry-policy.ts";

/** The agent went away under the task. That says nothing about the task, so another agent may try at once. */
const abandoned = new Set(["agent_lost", "agent_left", "lease_expired"]);

export const isAbandoned = ({ code }: TaskError): boolean => abandoned.has(code);

/** Whether another attempt could help, by the policy, or where that does not name the code, by the agent. */
export const isRetryable = (policy: EffectiveRetry, { code, retryable }: TaskError): boolean =>
  policy.verdictOn(code) ?? retryable !== false;

/**
 * When a task whose attempt failed may run again, in ms from now; null where it may not. `tries` counts the attempts
 * since the task was handed in or last retried by hand. An agent's `retryAfterMs` is a lower bound.
 */
export function retryDelay(
  policy: EffectiveRetry,
  tries: number,
  error: TaskError,
  random: Random,
): number | null {
  if (!isRetryable(policy, error) || tries >= policy.maxAttempts) return null;
  if (isAbandoned(error)) return 0;
  return Math.max(spread(policy, plainDelay(policy, tries), random), error.retryAfterMs ?? 0);
}

/** The delay before attempt `tries` + 1 as the backoff has it, without chance. */
function plainDelay({ backoff, delayMs, factor, maxDelayMs }: EffectiveRetry, tries: number): number {
  const growth = { exponential: factor ** (tries - 1), linear: tries, constant: 1 }[backoff];
  return Math.min(maxDelayMs, delayMs * growth);
}

/**
 * Tasks that failed together must not come back together. `full` takes any share of the delay; a number is the share
 * by which it varies both ways, around a middle that keeps the longest one within the maximum.
 */
function spread({ jitter, maxDelayMs }: EffectiveRetry, plainMs: number, random: Random): number {
  if (jitter === "full") return Math.round(plainMs * random.next());
  const middle = Math.min(plainMs, maxDelayMs / (1 + jitter));
  return Math.min(maxDelayMs, Math.round(middle * (1 + jitter * (2 * random.next() - 1))));
}
