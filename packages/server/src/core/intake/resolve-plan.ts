import { type JoinPolicy, MusterError, type TaskStatus } from "@muster/sdk/protocol";
import type { Queryable } from "../../ports/database.ts";
import type { End } from "../completion/cascade.ts";
import {
  markLateDependents,
  readAncestors,
  readKeys,
  readStatuses,
  takeKeys,
} from "../queue/statements/submission.ts";
import type { NewTask, Origin, Plan } from "./plan-tasks.ts";

/** The task that stands for one that was submitted before under the same key. */
export interface Known {
  id: string;
  status: TaskStatus;
}

/**
 * Takes the idempotency keys of a plan. Tasks whose key is known are dropped from it, and whoever depends on
 * them depends on the known task instead. Answers the known tasks by the id that was planned.
 */
export async function resolveKeys(
  tx: Queryable,
  plan: Plan,
  tenant: string,
  now: number,
): Promise<Map<string, Known>> {
  const known = new Map<string, Known>();
  if (plan.keys.length === 0) return known;
  const planned = new Map<string, string>();
  for (const { taskId, key } of plan.keys) {
    if (planned.has(key)) {
      throw new MusterError(
        "invalid_request",
        `Two tasks of the submission have the idempotency key "${key}".`,
      );
    }
    planned.set(key, taskId);
  }
  const rows = [...planned].map(([key, target_id]) => ({ tenant, key, target_id }));
  const taken = new Set((await tx.query(takeKeys, [JSON.stringify(rows), now])).map((row) => row.target_id));
  const repeated = [...planned].filter(([, taskId]) => !taken.has(taskId)).map(([key]) => key);
  if (repeated.length === 0) return known;
  for (const row of await tx.query(readKeys, [tenant, repeated])) {
    const status = (row.status ?? "completed") as TaskStatus;
    known.set(planned.get(row.key) as string, { id: row.target_id, status });
  }
  redirect(plan, known);
  return known;
}

function redirect(plan: Plan, known: ReadonlyMap<string, Known>): void {
  plan.tasks = plan.tasks.filter((task) => !known.has(task.id));
  const kept = plan.inner.filter((edge) => !known.has(edge.task_id));
  plan.inner = kept.filter((edge) => !known.has(edge.depends_on));
  const redirected = kept.flatMap(({ task_id, depends_on }) => {
    const target = known.get(depends_on);
    return target === undefined ? [] : [{ task_id, depends_on: target.id }];
  });
  plan.outer = [...plan.outer.filter((edge) => !known.has(edge.task_id)), ...redirected];
}

/**
 * Looks at the older tasks that a plan depends on, and locks those still under way against ending meanwhile.
 * What has ended already counts now: the rows of the plan are adjusted. Answers the tasks that can never run.
 */
export async function resolveOuter(tx: Queryable, plan: Plan, origin: Origin): Promise<End[]> {
  if (plan.outer.length === 0) return [];
  const outerIds = [...new Set(plan.outer.map((edge) => edge.depends_on))];
  await refuseWaitingForAncestor(tx, outerIds, origin);
  await tx.query(markLateDependents, [outerIds]);
  const statuses = await readVisible(tx, outerIds, origin.tenant);
  const outerOf = new Map<string, Known[]>();
  for (const { task_id, depends_on } of plan.outer) {
    const list = outerOf.get(task_id) ?? [];
    list.push({ id: depends_on, status: statuses.get(depends_on) as TaskStatus });
    outerOf.set(task_id, list);
  }
  return plan.tasks.flatMap((task) => {
    const outer = outerOf.get(task.id);
    return outer === undefined ? [] : (countEnded(task, outer) ?? []);
  });
}

async function readVisible(tx: Queryable, ids: string[], tenant: string): Promise<Map<string, TaskStatus>> {
  const rows = await tx.query(readStatuses, [ids]);
  const mine = rows.filter((row) => tenant === "*" || row.tenant === tenant);
  const statuses = new Map(mine.map((row) => [row.id, row.status as TaskStatus]));
  const missing = ids.find((id) => !statuses.has(id));
  if (missing === undefined) return statuses;
  throw new MusterError("unknown_dependency", `There is no task ${missing} to depend on.`, {
    hint: "Finished tasks are removed after their retention time; leave out a dependency whose work is done.",
  });
}

/** Adjusts a task for dependencies that have ended before it was there; answers its end if it can't run. */
function countEnded(task: NewTask, outer: readonly Known[]): End | null {
  const good = outer.filter((dependency) => dependency.status === "completed");
  const bad = outer.filter(
    (dependency) => dependency.status === "failed" || dependency.status === "cancelled",
  );
  task.pending -= good.length + bad.length;
  const verdict = judge(task.join_policy as JoinPolicy, task.pending, good.length, bad.length);
  if (verdict === "runs") {
    task.status = "ready";
    task.delayed = task.ready_at !== null;
  }
  if (verdict !== "doomed") return null;
  const cause = bad[0] as Known;
  return {
    id: task.id,
    status: "failed",
    error: {
      code: "dependency_failed",
      message: `It depends on task ${cause.id}, which is ${cause.status}.`,
      retryable: false,
      taskId: cause.id,
    },
  };
}

function judge(join: JoinPolicy, open: number, good: number, bad: number): "runs" | "waits" | "doomed" {
  if (join === "any") return good > 0 ? "runs" : open === 0 ? "doomed" : "waits";
  if (join === "all" && bad > 0) return "doomed";
  return open === 0 ? "runs" : "waits";
}

async function refuseWaitingForAncestor(tx: Queryable, outerIds: string[], origin: Origin): Promise<void> {
  if (origin.parentId === undefined) return;
  const path = (await tx.query(readAncestors, [origin.parentId])).map((row) => row.id);
  const at = path.findIndex((id) => outerIds.includes(id));
  if (at < 0) return;
  const cycle = ["the new sub-task", path[at], ...path.slice(0, at).reverse(), "the new sub-task"];
  throw new MusterError("cycle", `A sub-task can't wait for a task that waits for it: ${cycle.join(" → ")}.`);
}
