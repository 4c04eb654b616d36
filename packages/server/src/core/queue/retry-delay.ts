import type { TaskError } from "@muster/sdk/protocol";
import type { Random } from "../../ports/random.ts";
import type { LiveTask } from "./statements/lock-live.ts";

/**
 * When a task whose attempt failed may run again, in ms from now; null where it may not.
 * The delay before attempt n+1 is min(most, delay × factor^(n-1)), spread by ± jitter so that tasks that
 * failed together do not come back together. An agent's `retryAfterMs` is a lower bound.
 */
export function retryDelay(task: LiveTask, error: TaskError, random: Random): number | null {
  if (error.retryable === false || task.attempt >= task.max_attempts) return null;
  const plain = Math.min(task.retry_max_ms, task.retry_delay_ms * task.retry_factor ** (task.attempt - 1));
  const spread = 1 + task.retry_jitter * (2 * random.next() - 1);
  return Math.max(Math.round(plain * spread), error.retryAfterMs ?? 0);
}
