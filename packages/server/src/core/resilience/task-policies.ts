import type { Queryable } from "../../ports/database.ts";
import type { LiveTask } from "../queue/statements/lock-live.ts";
import { grantAttempts, type RetryLevels, readRetryLevels } from "../queue/statements/retry-policies.ts";
import { type EffectiveRetry, resolveRetry } from "./retry-policy.ts";

/** What holds for a task whose attempt failed, and how many attempts it has had. */
export interface TaskPolicy extends EffectiveRetry {
  /** Attempts since it was handed in or last retried by hand. */
  tries: number;
}

/**
 * The policies of tasks whose attempts failed, as they are now: what an operator changes holds for tasks that were
 * handed in before. Tasks that have more or fewer attempts by it than they were thought to have are told so.
 */
export async function readTaskPolicies(
  tx: Queryable,
  tasks: readonly LiveTask[],
): Promise<Map<string, TaskPolicy>> {
  const levels = await readLevels(tx, tasks);
  const policies = new Map<string, TaskPolicy>();
  const grants: { id: string; granted: number }[] = [];
  for (const task of tasks) {
    const behind = levels.get(nameOf(task));
    const said = [task.retry, behind?.own, behind?.common, behind?.declared];
    const policy = resolveRetry(said.filter((level) => level != null));
    const tries = task.attempt - (task.max_attempts - task.attempts_granted);
    policies.set(task.id, { ...policy, tries });
    if (policy.maxAttempts !== task.attempts_granted)
      grants.push({ id: task.id, granted: policy.maxAttempts });
  }
  if (grants.length > 0) await tx.query(grantAttempts, [JSON.stringify(grants)]);
  return policies;
}

async function readLevels(tx: Queryable, tasks: readonly LiveTask[]): Promise<Map<string, RetryLevels>> {
  const wanted = new Map<string, object>();
  for (const task of tasks) {
    const { tenant, capability, agent_id } = task;
    if (capability !== null) wanted.set(nameOf(task), { tenant, capability, agent_id });
  }
  if (wanted.size === 0) return new Map();
  const rows = await tx.query(readRetryLevels, [JSON.stringify([...wanted.values()])]);
  return new Map(rows.map((row) => [nameOf(row), row]));
}

const nameOf = (of: { tenant: string; capability: string | null; agent_id: string }): string =>
  `${of.tenant}|${of.capability}|${of.agent_id}`;
