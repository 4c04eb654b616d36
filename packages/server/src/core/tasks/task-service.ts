import {
  type BudgetState,
  isFinal,
  type JoinPolicy,
  limits,
  MusterError,
  type TaskDetail,
  type TaskStatus,
  type TaskSubmission,
} from "@muster/sdk/protocol";
import type { AgentRegistry } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Announce } from "../aftermath.ts";
import { budgetOf, describeReached } from "../budgets/describe-budget.ts";
import { parseResume, raise } from "../budgets/raise-budget.ts";
import { releaseWithin } from "../budgets/release-held.ts";
import { cascade } from "../completion/cascade.ts";
import type { CapabilitySchemas } from "../discovery/capability-schemas.ts";
import { matches } from "../discovery/rank.ts";
import type { Waiters } from "../events/waiters.ts";
import type { Explain } from "../explain/explain.ts";
import type { NextTurn } from "../group.ts";
import type { Submit } from "../intake/submit-tasks.ts";
import type { Principal, TaskService } from "../orchestrator.ts";
import { type BudgetRow, readPaths } from "../queue/statements/budgets.ts";
import { listTasks, type TaskRow } from "../queue/statements/read-tasks.ts";
import { lockEnded, retryByHand } from "../queue/statements/retry-by-hand.ts";
import { isoTime, taskOf } from "../task-view.ts";
import { isUuid } from "../validate.ts";
import { cancelReportOf } from "./cancel-report.ts";
import { createReadTogether } from "./read-together.ts";
import { unmetNeed } from "./unmet-need.ts";

export interface TaskServiceDependencies {
  database: Database;
  registry: AgentRegistry;
  clock: Clock;
  submit: Submit;
  waiters: Waiters;
  schemas: CapabilitySchemas;
  explain: Explain;
  announce: Announce;
  nextTurn?: NextTurn;
}

const mayWrite = (principal: Principal): void => {
  if (principal.role === "agent") {
    throw new MusterError("forbidden", "A key of role agent can't hand in or change tasks.", {
      hint: "Use a key of role client, or delegate from within a task.",
    });
  }
};

/** ① Tasks for whoever hands them in: submit, look, wait, cancel, retry. */
export function createTaskService(deps: TaskServiceDependencies): TaskService {
  const { database, clock, waiters, announce } = deps;
  const read = createReadTogether(database, deps.nextTurn);

  async function find(id: string, principal: Principal): Promise<TaskRow> {
    const row = isUuid(id) ? await read.task(id) : undefined;
    if (row === undefined || (principal.tenant !== "*" && row.tenant !== principal.tenant)) {
      throw new MusterError("not_found", `There is no task ${id}.`, {
        hint: "Ended tasks are removed after their retention time.",
      });
    }
    return row;
  }

  const budgetsAbove = async ({ budget_id }: TaskRow): Promise<BudgetRow[]> =>
    budget_id === null ? [] : database.query(readPaths, [[budget_id]]);

  async function ownBudget(row: TaskRow): Promise<BudgetState | null> {
    const own = (await budgetsAbove(row)).find((budget) => budget.task_id === row.id);
    return own === undefined ? null : budgetOf(own);
  }

  async function describe(row: TaskRow): Promise<TaskDetail> {
    const [needs, attempts] = await Promise.all([
      read.needs(row.id),
      row.attempt > 0 ? read.attempts(row.id) : [],
    ]);
    return {
      ...taskOf(row),
      dependsOn: needs.map((need) => ({ id: need.id, status: (need.status ?? "completed") as TaskStatus })),
      failedAttempts: attempts.map((attempt) => ({
        number: attempt.number,
        agent: attempt.agent_name,
        startedAt: isoTime(attempt.started_at),
        finishedAt: isoTime(attempt.ended_at),
        error: attempt.error,
      })),
      budget: await ownBudget(row),
    };
  }

  const get = async (id: string, principal: Principal): Promise<TaskDetail> =>
    describe(await find(id, principal));

  /** Refuses an input that no live agent with the capability would take. Nobody there: nothing to check against. */
  async function refuseUnfitInputs(submissions: readonly TaskSubmission[], tenant: string): Promise<void> {
    const live = await deps.registry.list(clock.now());
    for (const [index, { capability, agent, tools, input }] of submissions.entries()) {
      if (capability === undefined) continue;
      const route = { capability, agent: agent ?? null, tools: tools ?? [] };
      const offers = live
        .filter((record) => matches(record, route, tenant === "*" ? undefined : tenant))
        .flatMap((record) => record.capabilities.filter((c) => c.name === capability));
      const mismatches = offers.map((offer) => deps.schemas.mismatch(offer.inputSchema, input ?? {}));
      if (mismatches.length === 0 || mismatches.includes(null)) continue;
      throw new MusterError(
        "invalid_input",
        `tasks/${index}: the input does not fit ${capability}: ${mismatches[0]}.`,
        {
          hint: `See the input schema with: muster agents list --capability ${capability} --json`,
        },
      );
    }
  }

  return {
    get,

    async submit(tasks, principal) {
      mayWrite(principal);
      const tenant = principal.tenant === "*" ? "default" : principal.tenant;
      if (Array.isArray(tasks)) await refuseUnfitInputs(tasks, tenant);
      return deps.submit.submit(tasks, { tenant });
    },

    async list(filter, principal) {
      const limit = Math.min(Math.max(1, filter.limit ?? 50), limits.pageSize);
      for (const id of [filter.runId, filter.parentId, filter.before]) {
        if (id !== undefined && !isUuid(id))
          throw new MusterError("invalid_request", `"${id}" is not an id.`);
      }
      const rows = await database.query(listTasks, [
        principal.tenant,
        filter.status ?? null,
        filter.capability ?? null,
        filter.runId ?? null,
        filter.parentId ?? null,
        filter.before ?? null,
        limit + 1,
      ]);
      const items = rows.slice(0, limit).map(taskOf);
      return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
    },

    async wait(id, timeoutMs, principal, signal) {
      const wait = waiters.wait(id, Math.min(timeoutMs, limits.longPollMs), signal);
      try {
        const task = await find(id, principal);
        if (isFinal(task.status as TaskStatus)) return await describe(task);
        await wait.over;
      } finally {
        wait.callOff();
      }
      return get(id, principal);
    },

    async cancel(id, principal) {
      mayWrite(principal);
      await find(id, principal);
      const error = { code: "cancelled", message: `Cancelled by ${principal.name}.` };
      const { ended, aftermath } = await database.transaction((tx) =>
        cascade(tx, [{ id, status: "cancelled", error }], clock.now()),
      );
      announce(aftermath);
      if (!ended.some((task) => task.id === id)) {
        throw new MusterError("not_cancellable", `Task ${id} has already ended.`);
      }
      return cancelReportOf(ended);
    },

    async retry(id, principal) {
      mayWrite(principal);
      const row = await find(id, principal);
      await refuseReached(row);
      await refuseUnmetNeeds(row);
      const [again] = await database.transaction(async (tx) => {
        await tx.query(lockEnded, [[id]]);
        return tx.query(retryByHand, [[id], clock.now()]);
      });
      if (again === undefined) {
        throw new MusterError(
          "not_retryable",
          `Task ${id} is ${row.status}; only a failed or cancelled one can be retried.`,
        );
      }
      announce({
        ready: [again.route],
        runs: again.run_id === null ? [] : [again.run_id],
        ...(again.deadline_at === null ? {} : { dueAt: again.deadline_at }),
      });
      return taskOf(await find(id, principal));
    },

    async resume(id, request, principal) {
      mayWrite(principal);
      const add = parseResume(request);
      const own = await ownBudget(await find(id, principal));
      if (own === null)
        throw new MusterError("conflict", `Task ${id} has no budget of its own, so it is not paused.`);
      const effect = await database.transaction(async (tx) => {
        const { before, dueAt } = await raise(tx, own.id, add, clock.now());
        const { routes } = await releaseWithin(tx, [before.root_id], clock.now());
        return { ready: routes, dueAt, budgets: [own.id] };
      });
      announce(effect);
      return get(id, principal);
    },

    explain: async (id, principal) => deps.explain.explain(await find(id, principal)),
    deadlocks: (principal) => deps.explain.deadlocks(principal.tenant),
  };

  async function refuseReached(row: TaskRow): Promise<void> {
    const reached = (await budgetsAbove(row)).find((budget) => budget.reached !== null);
    if (reached === undefined) return;
    const [what, id] = reached.task_id === null ? ["runs", reached.run_id] : ["tasks", reached.task_id];
    throw new MusterError("not_retryable", describeReached(reached), {
      hint: `Raise its ${reached.reached} first: POST /v1/${what}/${id}/resume.`,
    });
  }

  async function refuseUnmetNeeds(row: TaskRow): Promise<void> {
    const needs = await read.needs(row.id);
    const culprit = unmetNeed(row.join_policy as JoinPolicy, needs);
    if (culprit === null) return;
    throw new MusterError(
      "not_retryable",
      `Task ${row.id} needs task ${culprit.id}, which is ${culprit.status}.`,
      {
        hint: `Retry that one first: muster task retry ${culprit.id}`,
      },
    );
  }
}
