import type { TaskSubmission } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database, Queryable } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Aftermath, Announce } from "../aftermath.ts";
import { chargeTasks } from "../budgets/charge-tasks.ts";
import { cascade } from "../completion/cascade.ts";
import { createGroup, type NextTurn } from "../group.ts";
import type { SubmittedTask } from "../orchestrator.ts";
import type { NewItem } from "../people/plan-question.ts";
import { enqueue } from "../queue/statements/enqueue.ts";
import { addItems } from "../queue/statements/inbox.ts";
import type { ReadyTask } from "../queue/statements/peek-ready.ts";
import { linkTasks } from "../queue/statements/submission.ts";
import type { RolloutBoard } from "../rollouts/rollout-board.ts";
import { type NewTask, type Origin, type Plan, planTasks } from "./plan-tasks.ts";
import { type Known, resolveKeys, resolveOuter } from "./resolve-plan.ts";

/** Rows in one statement. */
const chunkSize = 500;

export interface SubmitDependencies {
  database: Database;
  clock: Clock;
  ids: Ids;
  announce: Announce;
  /** Gives tasks of a capability in a rollout their places. */
  seat: RolloutBoard["seat"];
  nextTurn?: NextTurn;
}

/** What a plan became: the tasks that were known already, and what to announce after the commit. */
export interface Submitted {
  known: Map<string, Known>;
  /** Tasks that ended on arrival, because a dependency had. */
  ended: Set<string>;
  effects: Aftermath[];
}

/**
 * ③ enqueue: writes tasks, dependencies and events in one transaction. Plans that stand alone share one
 * statement with whatever else arrives at that moment; a plan that builds on older tasks or has idempotency
 * keys gets a transaction of its own.
 */
export function createSubmit({ database, clock, ids, announce, seat, nextTurn }: SubmitDependencies) {
  const together = createGroup<Plan, null>({ most: 100, nextTurn, run: enqueueTogether });

  async function enqueueTogether(plans: Plan[]): Promise<null[]> {
    const all: Plan = {
      tasks: plans.flatMap((plan) => plan.tasks),
      inner: plans.flatMap((plan) => plan.inner),
      outer: [],
      keys: [],
      budgets: [],
      items: [],
    };
    const fresh =
      all.tasks.length <= chunkSize
        ? await insert(database, all)
        : await database.transaction((tx) => insert(tx, all));
    announce({ fresh, ...dueOf(all.tasks), ...urgentOf(all) });
    return plans.map(() => null);
  }

  async function insert(into: Queryable, { tasks, inner }: Plan): Promise<ReadyTask[]> {
    const fresh: ReadyTask[] = [];
    let edge = 0;
    seat(tasks);
    for (let start = 0; start < tasks.length; start += chunkSize) {
      const chunk = tasks.slice(start, start + chunkSize);
      // Edges are in the order of their tasks, so each chunk takes its run of them.
      const members = new Set(chunk.map((task) => task.id));
      const from = edge;
      while (edge < inner.length && members.has((inner[edge] as { task_id: string }).task_id)) edge += 1;
      const edges = JSON.stringify(inner.slice(from, edge));
      for (const task of await into.query(enqueue, [rowsText(chunk), edges, clock.now()])) fresh.push(task);
    }
    return fresh;
  }

  /** Everything that a plan can need, inside the caller's transaction. The plan itself is not changed. */
  async function submitWithin(tx: Queryable, original: Plan, origin: Origin): Promise<Submitted> {
    const plan: Plan = { ...original, tasks: original.tasks.map((task) => ({ ...task })) };
    const known = await resolveKeys(tx, plan, origin.tenant, clock.now());
    await chargeTasks(tx, plan, origin, clock.now());
    const ends = await resolveOuter(tx, plan, origin);
    const fresh = await insert(tx, plan);
    const made = new Set(plan.tasks.map((task) => task.id));
    const items = plan.items.filter((item) => made.has(item.task_id));
    if (items.length > 0) await tx.query(addItems, [JSON.stringify(items)]);
    if (plan.outer.length > 0) await tx.query(linkTasks, [JSON.stringify(plan.outer), "need"]);
    const waits = plan.outer.map((edge) => edge.task_id);
    const effects: Aftermath[] = [{ fresh, ...dueOf(plan.tasks, items), ...urgentOf(plan, waits) }];
    if (ends.length > 0) effects.push((await cascade(tx, ends, clock.now())).aftermath);
    return { known, effects, ended: new Set(ends.map((end) => end.id)) };
  }

  /** All or none. Answers in the order of the submissions. */
  async function submit(submissions: readonly TaskSubmission[], origin: Origin): Promise<SubmittedTask[]> {
    const plan = planTasks(submissions, origin, clock.now(), ids);
    if ([plan.keys, plan.outer, plan.budgets, plan.items].every((part) => part.length === 0)) {
      await together(plan);
      return describe(plan, submissions, new Map(), new Set());
    }
    const { known, ended, effects } = await database.transaction((tx) => submitWithin(tx, plan, origin));
    for (const effect of effects) announce(effect);
    return describe(plan, submissions, known, ended);
  }

  return { submit, submitWithin };
}

export type Submit = ReturnType<typeof createSubmit>;

function describe(
  plan: Plan,
  submissions: readonly TaskSubmission[],
  known: ReadonlyMap<string, Known>,
  ended: ReadonlySet<string>,
): SubmittedTask[] {
  return plan.tasks.map((task, index) => {
    const first = known.get(task.id);
    return {
      id: first?.id ?? task.id,
      ref: submissions[index]?.ref ?? null,
      status: first?.status ?? (ended.has(task.id) ? "failed" : task.status),
      duplicate: first !== undefined,
    };
  });
}

/** The next moment that one of them waits for. */
function dueOf(tasks: readonly NewTask[], items: readonly NewItem[] = []): Pick<Aftermath, "dueAt"> {
  let dueAt = Number.POSITIVE_INFINITY;
  for (const { remind_at, escalate_at, expires_at } of items)
    dueAt = Math.min(dueAt, remind_at ?? dueAt, escalate_at ?? dueAt, expires_at);
  for (const task of tasks) {
    if (task.delayed && task.ready_at !== null) dueAt = Math.min(dueAt, task.ready_at);
    if (task.deadline_at !== null) dueAt = Math.min(dueAt, task.deadline_at);
  }
  return dueAt === Number.POSITIVE_INFINITY ? {} : { dueAt };
}

/** Tasks that wait for something less urgent; and `others`, of which that is not known. */
function urgentOf({ tasks, inner }: Plan, others: readonly string[] = []): Pick<Aftermath, "suspects"> {
  if (inner.length === 0 && others.length === 0) return {};
  const priorities = new Map(tasks.map((task) => [task.id, task.priority]));
  const urgent = inner.filter((edge) => {
    const mine = priorities.get(edge.task_id) ?? 0;
    return mine > (priorities.get(edge.depends_on) ?? mine);
  });
  if (urgent.length === 0 && others.length === 0) return {};
  return { suspects: [...new Set([...urgent.map((edge) => edge.task_id), ...others])] };
}

/** JSON text of the rows, without what is null. Inputs are JSON texts already and go in as they are. */
function rowsText(tasks: readonly NewTask[]): string {
  const rows = tasks.map(({ input, ...row }, ord) => {
    const head = JSON.stringify({ ord, ...row }, (_, value) => (value === null ? undefined : value));
    return `${head.slice(0, -1)},"input":${input}}`;
  });
  return `[${rows.join(",")}]`;
}
