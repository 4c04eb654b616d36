import type { TaskError } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Random } from "../../ports/random.ts";
import type { Aftermath, Announce } from "../aftermath.ts";
import { createGroup, type NextTurn } from "../group.ts";
import { retryDelay } from "../queue/retry-delay.ts";
import { type CompletionRow, complete } from "../queue/statements/complete.ts";
import { type LiveTask, lockLive } from "../queue/statements/lock-live.ts";
import type { ReadyTask } from "../queue/statements/peek-ready.ts";
import { retryTasks } from "../queue/statements/retry-tasks.ts";
import { cascade, type End } from "./cascade.ts";

/** What an agent, or upkeep in its place, says of an attempt. */
export interface Report {
  taskId: string;
  /** The lease that the attempt held; a report under any other is refused. */
  token: string;
  outcome: { status: "completed"; output: unknown } | { status: "failed"; error: TaskError };
}

export interface Verdict {
  /** False: the lease was not live, nothing changed. */
  accepted: boolean;
}

export interface OutcomeRecorder {
  recordOutcome(agentId: string, success: boolean): void;
}

export interface SettleDependencies {
  database: Database;
  clock: Clock;
  random: Random;
  announce: Announce;
  outcomes: OutcomeRecorder;
  nextTurn?: NextTurn;
}

const accepted: Verdict = { accepted: true };
const refused: Verdict = { accepted: false };

const blamelessCodes = new Set(["invalid_input", "cancelled", "deadline"]);
/** Failures that say nothing about the agent that reported them: another task, or the submitter, is to blame. */
const isBlameless = (error: TaskError): boolean =>
  error.taskId !== undefined || blamelessCodes.has(error.code);

/**
 * ⑦ settle: accepts a result only under the live lease; then outcome, events and unblocked dependents change in
 * one transaction. Results that arrive together share a statement. The common case, a task without sub-tasks
 * that completed, is one statement; everything else is settled with care, in a transaction of several.
 */
export function createSettle(deps: SettleDependencies) {
  const { database, clock, random, announce, outcomes, nextTurn } = deps;
  const completeGroup = createGroup<Report, Verdict>({ most: 200, nextTurn, run: completeTogether });
  const carefulGroup = createGroup<Report, Verdict>({ most: 100, nextTurn, run: settleWithCare });

  async function completeTogether(reports: Report[]): Promise<Verdict[]> {
    // In the order of ids, so that statements of several nodes lock rows in the same order.
    const first = firstPerLease(reports);
    const ordered = [...first].sort((a, b) => (a.taskId < b.taskId ? -1 : 1));
    const results = ordered.map(({ taskId, token, outcome }) => ({
      id: taskId,
      token,
      output: outcome.status === "completed" ? outcome.output : null,
    }));
    const rows = await database.query(complete, [JSON.stringify(results), clock.now()]);
    const ended = new Map<string, string>();
    const fresh: ReadyTask[] = [];
    const runs: string[] = [];
    const freed: { agentId: string; taskId: string }[] = [];
    let dueAt = Number.POSITIVE_INFINITY;
    for (const row of rows) {
      if (row.kind === "ready") fresh.push(readyOf(row));
      else if (row.kind === "later") dueAt = Math.min(dueAt, row.ready_at as number);
      else if (row.kind === "step") runs.push(row.id);
      else {
        ended.set(row.id, row.token as string);
        freed.push({ agentId: row.agent_id as string, taskId: row.id });
        outcomes.recordOutcome(row.agent_id as string, true);
      }
    }
    announce({ fresh, runs, freed, dueAt, ended: [...ended.keys()] });
    return reports.map((report) =>
      first.has(report) && ended.get(report.taskId) === report.token ? accepted : refused,
    );
  }

  async function settleWithCare(reports: Report[]): Promise<Verdict[]> {
    const now = clock.now();
    const first = firstPerLease(reports);
    const { live, aftermaths } = await database.transaction(async (tx) => {
      const rows = await tx.query(lockLive, [reports.map((r) => r.taskId), reports.map((r) => r.token)]);
      const byLease = new Map(rows.map((row) => [leaseName(row.id, row.token), row]));
      const ends: End[] = [];
      const retries: { id: string; ready_at: number; error: TaskError }[] = [];
      for (const report of first) {
        const task = byLease.get(leaseName(report.taskId, report.token));
        if (task !== undefined) sortOut(task, report, now, ends, retries);
      }
      const effects: Aftermath[] = [];
      if (retries.length > 0) {
        const returned = await tx.query(retryTasks, [JSON.stringify(retries), now]);
        effects.push({
          dueAt: Math.min(...retries.map((retry) => retry.ready_at)),
          ready: returned.filter((task) => !task.delayed).map((task) => task.route),
          freed: returned.map((task) => ({ agentId: task.agent_id, taskId: task.id })),
        });
      }
      if (ends.length > 0) effects.push((await cascade(tx, ends, now)).aftermath);
      return { live: byLease, aftermaths: effects };
    });
    for (const aftermath of aftermaths) announce(aftermath);
    return reports.map((report) => {
      const task = live.get(leaseName(report.taskId, report.token));
      if (task === undefined || !first.has(report)) return refused;
      blame(task, report);
      return accepted;
    });
  }

  function sortOut(
    task: LiveTask,
    { outcome }: Report,
    now: number,
    ends: End[],
    retries: { id: string; ready_at: number; error: TaskError }[],
  ): void {
    if (outcome.status === "completed") {
      ends.push({ id: task.id, status: "completed", output: outcome.output });
      return;
    }
    const delay = retryDelay(task, outcome.error, random);
    if (delay === null || (task.deadline_at !== null && now + delay >= task.deadline_at)) {
      ends.push({ id: task.id, status: "failed", error: outcome.error });
    } else {
      retries.push({ id: task.id, ready_at: now + delay, error: outcome.error });
    }
  }

  function blame(task: LiveTask, { outcome }: Report): void {
    if (outcome.status === "completed") outcomes.recordOutcome(task.agent_id, true);
    else if (!isBlameless(outcome.error)) outcomes.recordOutcome(task.agent_id, false);
  }

  return async function settle(report: Report): Promise<Verdict> {
    if (report.outcome.status === "completed") {
      const verdict = await completeGroup(report);
      if (verdict.accepted) return verdict;
    }
    return carefulGroup(report);
  };
}

const leaseName = (taskId: string, token: string): string => `${taskId} ${token}`;

/** One lease is settled once: of several reports under it that came together, only the first counts. */
function firstPerLease(reports: readonly Report[]): Set<Report> {
  const first = new Map<string, Report>();
  for (const report of reports) {
    const name = leaseName(report.taskId, report.token);
    if (!first.has(name)) first.set(name, report);
  }
  return new Set(first.values());
}

const readyOf = (row: CompletionRow): ReadyTask => ({
  id: row.id,
  route: row.route as string,
  tenant: row.tenant as string,
  priority: row.priority as number,
  virtual_time: row.virtual_time as number,
  preferred_agent: null,
});

export type Settle = ReturnType<typeof createSettle>;
