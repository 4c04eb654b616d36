import {
  type AgentRequest,
  type AgentResponse,
  limits,
  MusterError,
  priorities,
  type TaskResult,
  type TaskStatus,
} from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database, Queryable } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import { type Aftermath, type Announce, budgetsOf } from "../aftermath.ts";
import type { Told } from "../budgets/budget-keeper.ts";
import { TasksUsedUp } from "../budgets/charge-tasks.ts";
import { planTasks } from "../intake/plan-tasks.ts";
import type { Submit } from "../intake/submit-tasks.ts";
import { countQuestions, holdTimeouts } from "../queue/statements/inbox.ts";
import { readJournalEntry, recordDelegation } from "../queue/statements/journal.ts";
import { readResults } from "../queue/statements/read-tasks.ts";
import { linkTasks, markLateDependents } from "../queue/statements/submission.ts";
import { adopt, type LiveParent, lockParent, park } from "../queue/statements/waiting.ts";
import { leaseLost } from "./lease-lost.ts";

export interface SubTaskDependencies {
  database: Database;
  clock: Clock;
  ids: Ids;
  submit: Submit;
  announce: Announce;
  /** Told of budgets that allow no more tasks, and of the attempt that hears of it. */
  onTasksUsedUp: (budgetIds: readonly string[], told: Told) => Promise<void>;
}

/**
 * Delegation and waiting. Both lock the parent under its live lease first, so that a cancel either sees the new
 * sub-tasks or makes this call fail: no descendant is ever born after a cancel.
 */
export function createSubTasks(deps: SubTaskDependencies) {
  const { database, clock, ids, submit, announce, onTasksUsedUp } = deps;

  async function lock(tx: Queryable, taskId: string, token: string): Promise<LiveParent> {
    const [parent] = await tx.query(lockParent, [taskId, token]);
    if (parent === undefined) throw leaseLost(taskId);
    return parent;
  }

  /** A transaction that may find out that a budget allows no more tasks. */
  async function noteUsedUp<T>(told: Told, work: (tx: Queryable) => Promise<T>): Promise<T> {
    try {
      return await database.transaction(work);
    } catch (error) {
      if (error instanceof TasksUsedUp) await onTasksUsedUp(error.budgetIds, told);
      throw error;
    }
  }

  /** Creates sub-tasks once per key: a replay gets the ids that the first call got. */
  async function delegate(request: AgentRequest<"delegate">): Promise<AgentResponse<"delegate">> {
    const { taskId, leaseToken, key, tasks } = request;
    const entryKey = `delegate:${key}`;
    const { taskIds, effects } = await noteUsedUp({ taskId, token: leaseToken }, async (tx) => {
      const parent = await lock(tx, taskId, leaseToken);
      const [known] = await tx.query(readJournalEntry, [taskId, entryKey]);
      if (known !== undefined)
        return { taskIds: (known.value as { taskIds: string[] }).taskIds, effects: [] };
      refuseTooMany(parent, tasks.length);
      const origin = {
        tenant: parent.tenant,
        parentId: taskId,
        depth: parent.depth + 1,
        ...(parent.run_id === null ? {} : { runId: parent.run_id }),
        ...(parent.budget_id === null ? {} : { budgetId: parent.budget_id }),
      };
      const plan = planTasks(tasks, origin, clock.now(), ids);
      if (plan.items.length > 0) await refuseQuestions(tx, parent, taskId, plan.items.length);
      // What a shadow delegates waits for everything that counts.
      if (parent.rollout_side === "shadow")
        for (const task of plan.tasks) task.priority = priorities.background;
      const { known: duplicates, effects: after } = await submit.submitWithin(tx, plan, origin);
      const created = plan.tasks.map((task) => duplicates.get(task.id)?.id ?? task.id);
      await tx.query(adopt, [taskId]);
      await tx.query(recordDelegation, [taskId, entryKey, JSON.stringify({ taskIds: created }), clock.now()]);
      return { taskIds: created, effects: after };
    });
    for (const effect of effects) announce(effect);
    return { taskIds };
  }

  /** Answers at once if enough has ended; else frees the slot, and the task goes on when it has. */
  async function wait(agentId: string, request: AgentRequest<"wait">): Promise<AgentResponse<"wait">> {
    const { taskId, leaseToken, mode } = request;
    const wanted = [...new Set(request.taskIds)];
    const { answer, effect } = await database.transaction(async (tx) => {
      const parent = await lock(tx, taskId, leaseToken);
      await tx.query(markLateDependents, [wanted]);
      const rows = await tx.query(readResults, [wanted]);
      const strange = wanted.find((id) => rows.find((row) => row.id === id)?.parent_id !== taskId);
      if (strange !== undefined) {
        throw new MusterError("not_found", `Task ${strange} is no sub-task of ${taskId}.`);
      }
      const settled = rows.filter((row) => isOver(row.status)).map(resultOf);
      const enough = settled.length === wanted.length || (mode === "any" && settled.length > 0);
      if (enough || parent.status === "ready") {
        return { answer: { parked: !enough, settled }, effect: null };
      }
      const waitedFor = rows.filter((row) => !isOver(row.status)).map((row) => row.id);
      const pending = mode === "any" ? 1 : waitedFor.length;
      await tx.query(park, [taskId, pending, clock.now()]);
      const edges = waitedFor.map((id) => ({ task_id: taskId, depends_on: id }));
      await tx.query(linkTasks, [JSON.stringify(edges), "wait"]);
      await tx.query(holdTimeouts, [taskId, limits.delegationDepth]);
      const freed: Aftermath =
        parent.status === "in_progress" ? { freed: [{ agentId, taskId }], budgets: budgetsOf([parent]) } : {};
      return { answer: { parked: true, settled }, effect: { ...freed, suspects: [taskId] } };
    });
    if (effect !== null) announce(effect);
    return answer;
  }

  return { delegate, wait };
}

const isOver = (status: string): boolean =>
  status === "completed" || status === "failed" || status === "cancelled";

const resultOf = (row: { id: string; status: string; output: unknown; error: unknown }): TaskResult => ({
  id: row.id,
  status: row.status as Extract<TaskStatus, "completed" | "failed" | "cancelled">,
  output: row.output,
  error: row.error as TaskResult["error"],
});

/** People are asked by what counts, and not without end. */
async function refuseQuestions(
  tx: Queryable,
  parent: LiveParent,
  taskId: string,
  more: number,
): Promise<void> {
  if (parent.rollout_side === "shadow") {
    throw new MusterError(
      "forbidden",
      "A shadow in a rollout can't ask people: its answer counts for nothing.",
    );
  }
  const [{ asked } = { asked: 0 }] = await tx.query(countQuestions, [taskId]);
  if (asked + more > limits.questionsPerTask) {
    throw new MusterError(
      "limit_exceeded",
      `A task may ask people ${limits.questionsPerTask} questions at most.`,
    );
  }
}

function refuseTooMany(parent: LiveParent, more: number): void {
  if (parent.depth + 1 > limits.delegationDepth) {
    throw new MusterError(
      "limit_exceeded",
      `Delegation goes ${limits.delegationDepth} levels deep at most.`,
      {
        hint: "Agents that hand the same work to each other in a circle are the usual cause.",
      },
    );
  }
  if (parent.children + more > limits.subTasksPerTask) {
    throw new MusterError("limit_exceeded", `A task may have ${limits.subTasksPerTask} sub-tasks at most.`);
  }
}
