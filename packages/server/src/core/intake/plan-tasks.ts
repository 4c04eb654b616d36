import {
  type Budget,
  defaultRetry,
  defaultTimeoutMs,
  limits,
  MusterError,
  priorities,
  type RetryPolicy,
  TaskSubmission,
} from "@muster/sdk/protocol";
import Type from "typebox";
import type { Ids } from "../../ports/ids.ts";
import { hasLimit, type NewBudget, newBudget } from "../budgets/new-budget.ts";
import { type NewItem, placeOfQuestion, planQuestion } from "../people/plan-question.ts";
import { formatRoute } from "../queue/route.ts";
import { refuseBadRetry } from "../resilience/retry-policy.ts";
import { isUuid, parse, payload, payloadText } from "../validate.ts";
import { findCycle } from "./graph.ts";

/** A task as the enqueue statement takes it. */
export interface NewTask {
  id: string;
  tenant: string;
  name: string | null;
  capability: string | null;
  requested_agent: string | null;
  tools: string[];
  route: string;
  status: "blocked" | "ready";
  priority: number;
  delayed: boolean;
  ready_at: number | null;
  run_id: string | null;
  step: string | null;
  item_index: number | null;
  parent_id: string | null;
  depth: number;
  join_policy: string;
  pending: number;
  max_attempts: number;
  /** What the submission says of retries, where it says anything. */
  retry: RetryPolicy | null;
  timeout_ms: number;
  deadline_at: number | null;
  budget_id: string | null;
  rollout_key: string | null;
  /** JSON text. */
  input: string;
}

/** Where the tasks of a submission belong. */
export interface Origin {
  tenant: string;
  runId?: string;
  step?: string;
  parentId?: string;
  depth?: number;
  /** The nearest budget that they are under. */
  budgetId?: string;
}

export interface Plan {
  tasks: NewTask[];
  /** Dependencies between tasks of this plan. */
  inner: { task_id: string; depends_on: string }[];
  /** Dependencies on tasks that were there before. */
  outer: { task_id: string; depends_on: string }[];
  keys: { taskId: string; key: string }[];
  /** Budgets that its tasks bring along. */
  budgets: NewBudget[];
  /** Questions to people among them. */
  items: NewItem[];
}

const Submissions = Type.Array(TaskSubmission, { minItems: 1, maxItems: limits.tasksPerSubmission });

/**
 * ② admit: turns submissions into rows, or refuses all of them with the place of the mistake. A cycle among
 * them is refused with its path. Nothing is written here.
 */
export function planTasks(
  submissions: readonly TaskSubmission[],
  origin: Origin,
  now: number,
  ids: Ids,
): Plan {
  parse(Submissions, submissions, "The submission");
  const idOfRef = new Map<string, string>();
  const tasks = submissions.map((submission, index) => {
    const task = planTask(submission, index, origin, now, ids.next());
    if (submission.ref !== undefined) {
      if (idOfRef.has(submission.ref)) {
        throw new MusterError(
          "invalid_request",
          `Two tasks of the submission have the ref "${submission.ref}".`,
        );
      }
      idOfRef.set(submission.ref, task.id);
    }
    return task;
  });
  const plan: Plan = { tasks, inner: [], outer: [], keys: [], budgets: [], items: [] };
  for (const [index, submission] of submissions.entries()) {
    link(plan, submission, index, idOfRef);
    if (submission.budget !== undefined) bringBudget(plan, submission.budget, index, origin, ids);
    if (submission.ask !== undefined) {
      const { id } = plan.tasks[index] as NewTask;
      const asking = { ...submission, ask: submission.ask };
      plan.items.push(planQuestion(asking, `tasks/${index}`, { id, tenant: origin.tenant, now }));
    }
  }
  refuseCycle(plan, submissions);
  return plan;
}

function planTask(s: TaskSubmission, index: number, origin: Origin, now: number, id: string): NewTask {
  const what = `tasks/${index}`;
  if (s.capability === undefined && s.agent === undefined && s.ask === undefined) {
    throw new MusterError("invalid_request", `${what} names neither a capability nor an agent.`, {
      hint: 'Say what it needs with "capability", who shall do it with "agent", or what people are asked with "ask".',
    });
  }
  refuseBadRetry(s.retry, `${what}/retry`);
  const {
    capability = null,
    requested = null,
    tools,
  } = s.ask === undefined
    ? { capability: s.capability, requested: s.agent, tools: s.tools ?? [] }
    : placeOfQuestion(s.ask);
  const delayed = (s.delayMs ?? 0) > 0;
  return {
    id,
    tenant: origin.tenant,
    name: s.name === undefined ? null : payload(s.name, `${what}/name`),
    capability,
    requested_agent: requested,
    tools,
    route: formatRoute({ capability, agent: requested, tools }),
    status: "ready",
    priority: priorities[s.priority ?? "medium"],
    delayed,
    ready_at: delayed ? now + (s.delayMs as number) : now,
    run_id: origin.runId ?? null,
    step: origin.step ?? null,
    item_index: null,
    parent_id: origin.parentId ?? null,
    depth: origin.depth ?? 0,
    join_policy: s.join ?? "all",
    pending: 0,
    max_attempts: s.retry?.maxAttempts ?? defaultRetry.maxAttempts,
    retry: s.retry === undefined ? null : payload(s.retry, `${what}/retry`),
    timeout_ms: s.timeoutMs ?? defaultTimeoutMs,
    deadline_at: s.deadlineMs === undefined ? null : now + s.deadlineMs,
    budget_id: origin.budgetId ?? null,
    rollout_key: s.rolloutKey === undefined ? null : payload(s.rolloutKey, `${what}/rolloutKey`),
    input: payloadText(s.input === undefined ? {} : s.input, `${what}/input`),
  };
}

function bringBudget(plan: Plan, budget: Budget, index: number, origin: Origin, ids: Ids): void {
  if (!hasLimit(budget))
    throw new MusterError("invalid_request", `tasks/${index}/budget limits nothing.`, {
      hint: "Give it moneyMicros, tokens, timeMs, tasks, depth or concurrency.",
    });
  const task = plan.tasks[index] as NewTask;
  const place = {
    id: ids.next(),
    parent_id: task.budget_id,
    tenant: task.tenant,
    run_id: origin.runId ?? null,
    task_id: task.id,
    base_depth: task.depth,
    tasks_made: 1,
  };
  task.budget_id = place.id;
  plan.budgets.push(newBudget(place, budget));
}

function link(plan: Plan, submission: TaskSubmission, index: number, idOfRef: Map<string, string>): void {
  const task = plan.tasks[index] as NewTask;
  if (submission.idempotencyKey !== undefined)
    plan.keys.push({
      taskId: task.id,
      key: payload(submission.idempotencyKey, `tasks/${index}/idempotencyKey`),
    });
  for (const name of new Set(submission.dependsOn)) {
    const inner = idOfRef.get(name);
    if (inner !== undefined) plan.inner.push({ task_id: task.id, depends_on: inner });
    else if (isUuid(name)) plan.outer.push({ task_id: task.id, depends_on: name });
    else {
      throw new MusterError(
        "unknown_dependency",
        `tasks/${index} depends on "${name}", which is no task and no ref.`,
        {
          hint: "Use the id of a task that exists, or the ref of another task of the same submission.",
        },
      );
    }
    task.pending += 1;
  }
  if (task.pending > 0) {
    task.status = "blocked";
    if (!task.delayed) task.ready_at = null;
    task.delayed = false;
  }
}

function refuseCycle({ tasks, inner }: Plan, submissions: readonly TaskSubmission[]): void {
  if (inner.length === 0) return;
  const waitsFor = new Map<string, string[]>();
  for (const { task_id, depends_on } of inner) {
    const targets = waitsFor.get(task_id);
    if (targets === undefined) waitsFor.set(task_id, [depends_on]);
    else targets.push(depends_on);
  }
  const cycle = findCycle(waitsFor.keys(), (id) => waitsFor.get(id) ?? []);
  if (cycle === null) return;
  const refOfId = new Map(tasks.map((task, index) => [task.id, submissions[index]?.ref ?? `tasks/${index}`]));
  throw new MusterError(
    "cycle",
    `The tasks wait for each other: ${cycle.map((id) => refOfId.get(id)).join(" → ")}.`,
    {
      hint: "Remove one of these dependencies.",
    },
  );
}
