import type { TaskError } from "@muster/sdk/protocol";
import type { Queryable } from "../../ports/database.ts";
import { type Aftermath, budgetsOf } from "../aftermath.ts";
import { countSteps } from "../queue/statements/count-steps.ts";
import { type EndedTask, endTasks } from "../queue/statements/end-tasks.ts";
import { findChildren } from "../queue/statements/find-children.ts";
import { type ReleasedTask, releaseDependents } from "../queue/statements/release-dependents.ts";

/** How a task shall end. */
export interface End {
  id: string;
  status: EndedTask["status"];
  output?: unknown;
  error?: TaskError;
}

export interface CascadeResult {
  ended: EndedTask[];
  aftermath: Aftermath;
}

/** Rows in one statement. */
const chunkSize = 500;

/**
 * Ends tasks and everything that follows from it, inside the caller's transaction: sub-tasks of an ended task
 * are cancelled, dependents become ready or fail by their join policy, whose dependents in turn …
 *
 * It goes in waves. Each wave is a few set-based statements with a snapshot of their own, so that a sub-task or
 * a dependent that another transaction added just before the row was locked is seen. The number of waves is
 * bounded by the number of tasks, because each wave ends at least one task for good.
 */
export async function cascade(tx: Queryable, ends: readonly End[], now: number): Promise<CascadeResult> {
  const ended: EndedTask[] = [];
  const ready: string[] = [];
  let dueAt = Number.POSITIVE_INFINITY;
  let wave = [...ends];
  while (wave.length > 0) {
    const next = new Map<string, End>();
    for (let start = 0; start < wave.length; start += chunkSize) {
      const chunk = wave.slice(start, start + chunkSize);
      const rows = await tx.query(endTasks, [JSON.stringify(chunk), now]);
      ended.push(...rows);
      const ids = rows.map((row) => row.id);
      if (ids.length === 0) continue;
      for (const child of await tx.query(findChildren, [ids])) next.set(child.id, orphaned(child));
      for (const released of await tx.query(releaseDependents, [ids, now])) {
        if (released.due_at !== null) dueAt = Math.min(dueAt, released.due_at);
        else if (released.status === "ready") ready.push(released.route);
        if (released.status === "failed" && !next.has(released.id)) next.set(released.id, doomed(released));
      }
    }
    wave = [...next.values()];
  }
  const runs = await countEnded(tx, ended);
  return { ended, aftermath: { ...aftermathOf(ended, ready, runs), dueAt } };
}

const orphaned = (child: { id: string; parent_id: string }): End => ({
  id: child.id,
  status: "cancelled",
  error: {
    code: "parent_ended",
    message: `Its parent task ${child.parent_id} ended before it did.`,
    taskId: child.parent_id,
  },
});

const doomed = (task: ReleasedTask): End => ({
  id: task.id,
  status: "failed",
  error: {
    code: "dependency_failed",
    message: `It depends on task ${task.cause}, which is ${task.cause_status}${task.cause_words === null ? "." : `: ${task.cause_words}`}`,
    retryable: false,
    ...(task.cause === null ? {} : { taskId: task.cause }),
  },
});

async function countEnded(tx: Queryable, ended: readonly EndedTask[]): Promise<string[]> {
  const counts = new Map<string, { run_id: string; step: string; completed: number; failed: number }>();
  for (const { run_id, step, status } of ended) {
    if (run_id === null || step === null) continue;
    const key = `${run_id} ${step}`;
    const count = counts.get(key) ?? { run_id, step, completed: 0, failed: 0 };
    count[status === "completed" ? "completed" : "failed"] += 1;
    counts.set(key, count);
  }
  if (counts.size === 0) return [];
  const rows = await tx.query(countSteps, [JSON.stringify([...counts.values()])]);
  return rows.filter((row) => row.over).map((row) => row.run_id);
}

function aftermathOf(ended: readonly EndedTask[], ready: string[], runs: string[]): Aftermath {
  const leased = ended.filter((task) => task.was_leased && task.agent_id !== null);
  return {
    ready,
    runs,
    ended: ended.map((task) => task.id),
    endings: countBy(ended),
    budgets: budgetsOf(leased),
    unlocked: ended.filter((task) => task.has_locks).map((task) => task.id),
    freed: leased.map((task) => ({ agentId: task.agent_id as string, taskId: task.id })),
    stop: leased
      .filter((task) => task.status === "cancelled")
      .map((task) => ({ agentId: task.agent_id as string, taskId: task.id, reason: "cancelled" as const })),
  };
}

function countBy(ended: readonly EndedTask[]): NonNullable<Aftermath["endings"]> {
  const counts: NonNullable<Aftermath["endings"]> = {};
  for (const { status } of ended) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
