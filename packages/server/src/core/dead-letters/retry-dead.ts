import type { JoinPolicy } from "@muster/sdk/protocol";
import type { Queryable } from "../../ports/database.ts";
import type { Aftermath } from "../aftermath.ts";
import { type DeadRow, readChain } from "../queue/statements/dead-letters.ts";
import { readDependencies, readTasks } from "../queue/statements/read-tasks.ts";
import { lockEnded, retryByHand } from "../queue/statements/retry-by-hand.ts";
import { lockRun } from "../queue/statements/runs.ts";
import { reopen } from "../runs/retry-run.ts";
import { unmetNeed } from "../tasks/unmet-need.ts";

/** What became of a dead letter: tasks that run again, the run that was opened for it, or why nothing was done. */
export type Revival = { effects: Aftermath; runId: string | null } | { reason: string };

/** Retries tasks that belong to nothing, all at once. Answers those that could be. */
export async function reviveAlone(
  tx: Queryable,
  ids: readonly string[],
  now: number,
): Promise<{ revived: string[]; effects: Aftermath }> {
  await tx.query(lockEnded, [ids]);
  const again = await tx.query(retryByHand, [ids, now]);
  return { revived: again.map((task) => task.id), effects: effectsOf(again, []) };
}

/**
 * Retries a task that others are bound up with. Parents that failed because of it go on, too: their next attempt finds
 * the sub-task at work. So does the run, where it has ended.
 */
export async function revive(tx: Queryable, dead: DeadRow, now: number): Promise<Revival> {
  const family = await familyOf(tx, dead);
  if ("reason" in family) return family;
  const run = dead.run_id === null ? undefined : (await tx.query(lockRun, [dead.run_id]))[0];
  if (run?.status === "completed") return { reason: `its run ${run.id} completed without it` };
  const need = await needOf(tx, family.top);
  if (need !== null) return { reason: `it needs task ${need.id}, which is ${need.status}` };
  const isOver = run !== undefined && run.status !== "running";
  const routes = isOver ? await reopen(tx, run.id, now) : [];
  await tx.query(lockEnded, [family.ids]);
  const again = await tx.query(retryByHand, [family.ids, now]);
  if (again.length === 0 && !isOver) return { reason: "somebody was quicker" };
  const runs = run === undefined ? [] : [run.id];
  return { effects: { ...effectsOf(again, routes), runs }, runId: isOver ? run.id : null };
}

/** The task with the parents that failed because of it; or why it would be of no use to them. */
async function familyOf(
  tx: Queryable,
  dead: DeadRow,
): Promise<{ ids: string[]; top: string } | { reason: string }> {
  const [self, ...above] = await tx.query(readChain, [dead.id]);
  if (self?.status !== "failed") return { reason: `it is ${self?.status ?? "gone"} by now` };
  const ids = [dead.id];
  for (const parent of above) {
    if (!["completed", "failed", "cancelled"].includes(parent.status)) break;
    if (parent.status !== "failed" || parent.error?.taskId !== dead.id)
      return { reason: `its parent task ${parent.id} is ${parent.status}, and not because of it` };
    ids.push(parent.id);
  }
  return { ids, top: ids.at(-1) as string };
}

async function needOf(tx: Queryable, id: string) {
  const [task] = await tx.query(readTasks, [[id]]);
  const needs = await tx.query(readDependencies, [[id], "need"]);
  return unmetNeed((task?.join_policy ?? "all") as JoinPolicy, needs);
}

function effectsOf(
  again: readonly { route: string; deadline_at: number | null }[],
  routes: readonly string[],
): Aftermath {
  const dueAt = Math.min(...again.map((task) => task.deadline_at ?? Number.POSITIVE_INFINITY));
  return {
    ready: [...routes, ...again.map((task) => task.route)],
    ...(Number.isFinite(dueAt) ? { dueAt } : {}),
  };
}
