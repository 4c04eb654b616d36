import { limits, type RolloutDifference } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database, Queryable } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Aftermath, Announce } from "../aftermath.ts";
import { cascade } from "../completion/cascade.ts";
import { planTasks } from "../intake/plan-tasks.ts";
import type { Submit } from "../intake/submit-tasks.ts";
import { formatRoute } from "../queue/route.ts";
import {
  abandonShadows,
  type CopyableTask,
  type EndedShadow,
  endedShadows,
  findCopyable,
  noteComparison,
  noteShadows,
  readPair,
  trimDifferences,
  writeVerdicts,
} from "../queue/statements/rollout-shadows.ts";
import type { RolloutRow } from "../queue/statements/rollouts.ts";
import { bucketCount } from "./bucket.ts";
import { findDifference } from "./find-difference.ts";

/** Copies made, or compared, in one go: their inputs and outputs are in memory together. */
const atOnce = 10;
const mostRounds = 20;
/** Copies under way at once, so that a slow candidate gathers no heap of them. */
const mostOpen = 100;
/** A copy that nobody has done by then is given up. */
const copyDeadlineMs = 3_600_000;
/** Differences kept in full. */
export const mostDifferences = 100;
/** Characters kept of what a comparison says. */
const noteLength = 500;

export interface ShadowDependencies {
  database: Database;
  clock: Clock;
  ids: Ids;
  submit: Submit;
  announce: Announce;
}

/**
 * The shadow of a rollout: the candidate does completed tasks once more, and what it gives is compared and thrown away.
 * A copy is a task of its own, in the background, with one attempt, outside of any run: nothing depends on it and
 * nothing is charged for it but the rollout's own budget of copies. They are made from the rows of tasks that have
 * ended, so the way of a task that counts is no longer for it.
 */
export function createShadows({ database, clock, ids, submit, announce }: ShadowDependencies) {
  async function copy(row: RolloutRow): Promise<boolean> {
    const share = row.steps[row.step]?.shadow;
    if (share === undefined || row.status !== "running") return false;
    const bounds = [bucketCount - share, row.shadow_tasks, mostOpen, atOnce];
    const tasks = await database.query(findCopyable, [row.id, row.step_started_at, ...bounds]);
    const effects = await database.transaction(async (tx) => {
      const now = clock.now();
      const plans = tasks.map((task) => planCopy(row, task, now, ids));
      const pairs = plans.map(({ tasks: [made] }, index) => {
        const task = tasks[index] as CopyableTask;
        return { task_id: task.id, shadow_id: made?.id, ended_at: task.ended_at };
      });
      const noted = await tx.query(noteShadows, [row.id, now, JSON.stringify(pairs)]);
      const mine = new Set(noted.map(({ shadow_id }) => shadow_id));
      const found: Aftermath[] = [];
      for (const [index, plan] of plans.entries()) {
        if (!mine.has(plan.tasks[0]?.id as string)) continue;
        const origin = { tenant: tasks[index]?.tenant as string };
        found.push(...(await submit.submitWithin(tx, plan, origin)).effects);
      }
      return found;
    });
    for (const effect of effects) announce(effect);
    return tasks.length === atOnce;
  }

  async function compare(row: RolloutRow): Promise<boolean> {
    const ended = await database.query(endedShadows, [row.id, atOnce]);
    const verdicts: object[] = [];
    for (const shadow of ended) {
      const verdict = await judge(row, shadow);
      if (verdict !== null) verdicts.push({ task_id: shadow.task_id, ...verdict });
    }
    if (verdicts.length > 0) {
      await database.query(writeVerdicts, [row.id, JSON.stringify(verdicts)]);
      await database.query(trimDifferences, [row.id, mostDifferences]);
    }
    return verdicts.length === atOnce;
  }

  /** Null: a comparison has been asked for. */
  async function judge(row: RolloutRow, shadow: EndedShadow): Promise<object | null> {
    const { task_id, shadow_id, shadow_status, comparison_id } = shadow;
    if (shadow_status !== "completed" || shadow.task_status !== "completed") return { verdict: "failed" };
    if (row.comparison === null && shadow.equal) return { verdict: "equal" };
    if (comparison_id === null || row.comparison === null) {
      const [pair] = await database.query(readPair, [task_id, shadow_id]);
      if (pair === undefined) return { verdict: "failed" };
      if (row.comparison !== null) return askFor(row, shadow, pair);
      const found = findDifference(pair.baseline, pair.candidate);
      return { verdict: "different", difference: differenceOf(shadow, found, null) };
    }
    const said = shadow.comparison_status === "completed" ? verdictOf(shadow.comparison) : null;
    if (said === null) return { verdict: "failed" };
    if (said.equal) return { verdict: "equal" };
    const [pair] = await database.query(readPair, [task_id, shadow_id]);
    const found = pair === undefined ? null : findDifference(pair.baseline, pair.candidate);
    return { verdict: "different", difference: differenceOf(shadow, found, said.note) };
  }

  async function askFor(row: RolloutRow, shadow: EndedShadow, pair: object): Promise<null> {
    const origin = { tenant: shadow.tenant as string };
    const effects = await database.transaction(async (tx) => {
      const submission = {
        capability: row.comparison as string,
        input: pair,
        name: `comparison of ${shadow.task_id}`,
        priority: "background" as const,
        deadlineMs: copyDeadlineMs,
      };
      const plan = planTasks([submission], origin, clock.now(), ids);
      const noted = await tx.query(noteComparison, [row.id, shadow.task_id, plan.tasks[0]?.id as string]);
      return noted.length === 0 ? [] : (await submit.submitWithin(tx, plan, origin)).effects;
    });
    for (const effect of effects) announce(effect);
    return null;
  }

  return {
    /** Makes the copies that are due, and compares those that have ended. */
    async tend(row: RolloutRow): Promise<void> {
      for (let round = 0; round < mostRounds && (await copy(row)); round++);
      for (let round = 0; round < mostRounds && (await compare(row)); round++);
    },
    /** What nobody needs any more when a rollout ends. */
    async cancel(tx: Queryable, rolloutId: string, now: number): Promise<Aftermath> {
      const open = await tx.query(abandonShadows, [rolloutId]);
      if (open.length === 0) return {};
      const error = { code: "cancelled", message: "The rollout that it was for has ended." };
      const ends = open.map(({ id }) => ({ id, status: "cancelled" as const, error }));
      return (await cascade(tx, ends, now)).aftermath;
    },
  };
}

export type Shadows = ReturnType<typeof createShadows>;

function planCopy(row: RolloutRow, task: CopyableTask, now: number, ids: Ids) {
  const { capability, tools, tenant } = task;
  const submission = {
    capability,
    tools,
    input: task.input,
    name: `shadow of ${task.id}`,
    priority: "background" as const,
    timeoutMs: Math.min(task.timeout_ms, limits.durationMs),
    deadlineMs: copyDeadlineMs,
    retry: { maxAttempts: 1 },
  };
  const plan = planTasks([submission], { tenant }, now, ids);
  const seat = { kind: "shadow" as const, rolloutId: row.id, tenant };
  for (const made of plan.tasks) made.route = formatRoute({ capability, agent: null, tools }, seat);
  return plan;
}

function verdictOf(output: unknown): { equal: boolean; note: string | null } | null {
  if (typeof output !== "object" || output === null || !("equal" in output)) return null;
  if (typeof output.equal !== "boolean") return null;
  const note = "note" in output && typeof output.note === "string" ? output.note.slice(0, noteLength) : null;
  return { equal: output.equal, note };
}

const differenceOf = (
  shadow: EndedShadow,
  found: ReturnType<typeof findDifference>,
  note: string | null,
): RolloutDifference => ({
  taskId: shadow.task_id,
  shadowTaskId: shadow.shadow_id,
  ...(found ?? { path: "", baseline: "", candidate: "" }),
  note,
});
