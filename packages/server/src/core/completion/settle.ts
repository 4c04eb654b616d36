import type { TaskError } from "@muster/sdk/protocol";
import type { AgentRecord } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Metrics } from "../../ports/metrics.ts";
import type { Random } from "../../ports/random.ts";
import { type Aftermath, type Announce, budgetsOf } from "../aftermath.ts";
import { createGroup, type NextTurn } from "../group.ts";
import { parseRoute } from "../queue/route.ts";
import type { BreakerRow } from "../queue/statements/breakers.ts";
import { type CompletionRow, complete, completeOne } from "../queue/statements/complete.ts";
import { type LiveTask, lockLive } from "../queue/statements/lock-live.ts";
import { retryTasks } from "../queue/statements/retry-tasks.ts";
import type { Breakers } from "../resilience/breakers.ts";
import type { HeldBreakers } from "../resilience/hold-breakers.ts";
import { isBlameless, judge } from "../resilience/judge.ts";
import { isAbandoned, isRetryable, retryDelay } from "../resilience/retry-delay.ts";
import { readTaskPolicies, type TaskPolicy } from "../resilience/task-policies.ts";
import { cascade, type End } from "./cascade.ts";
import { completionAftermath } from "./completion-aftermath.ts";
import { firstPerLease, leaseName } from "./first-per-lease.ts";
import { sparePaused } from "./spare-paused.ts";

/** `undelivered`: the task never reached its agent, so no attempt was made. Agents can't say that. */
export type Outcome =
  | { status: "completed"; output: unknown }
  | { status: "failed"; error: TaskError }
  | { status: "undelivered"; error: TaskError };

/** What an agent, or the orchestrator in its place, says of an attempt. */
export interface Report {
  taskId: string;
  /** The lease that the attempt held; a report under any other is refused. */
  token: string;
  outcome: Outcome;
  /** Who holds the lease. */
  agentId: string;
  /** The agent, where it speaks for itself: a dependent may take the slot that it frees. */
  agent?: AgentRecord;
}

export interface Verdict {
  /** False: the lease was not live, nothing changed. */
  accepted: boolean;
}

export interface OutcomeRecorder {
  recordOutcome(agentId: string, success: boolean): void;
  /** A copy for a rollout failed, which says nothing of the agent's health. */
  shadowEnded(): void;
}

/** Counts what was completed, by tenant and route. */
export interface CompletionCounter {
  completed(tenant: string, route: string): void;
}

export interface SettleDependencies {
  database: Database;
  clock: Clock;
  ids: Ids;
  random: Random;
  announce: Announce;
  outcomes: OutcomeRecorder;
  budgets: CompletionCounter;
  breakers: Pick<Breakers, "of" | "hold" | "succeeded">;
  /** Whether an agent may go on with the next task in the slot of the one that it finished. */
  mayGoOn: (agent: AgentRecord) => boolean;
  leaseMs: number;
  nextTurn?: NextTurn;
  metrics?: Metrics;
}

/** An attempt that is given back. */
export interface Retry {
  id: string;
  ready_at: number;
  error: TaskError;
  /** False where it was none. */
  counted: boolean;
  /** It has to pass the retry budget of its capability. */
  gated: boolean;
  /** The agent is out, so another one shall try, and this attempt was none of those that the task may have. */
  fell_back: boolean;
}

/** A task that did not reach its agent is sent again after this time, to whoever is free then. */
const sendAgainMs = 1_000;
/** Agents that a task can fall back from for nothing; with each further one it uses up attempts. */
const mostFallbacks = 32;

const accepted: Verdict = { accepted: true };
const refused: Verdict = { accepted: false };

/**
 * ⑦ settle: accepts a result only under the live lease; then outcome, events and unblocked dependents change in
 * one transaction. Results that arrive together share a statement. The common case, a task without sub-tasks
 * that completed, is one statement; everything else is settled with care, in a transaction of several.
 */
export function createSettle(deps: SettleDependencies) {
  const {
    database,
    clock,
    ids,
    random,
    announce,
    outcomes,
    budgets,
    breakers,
    mayGoOn,
    leaseMs,
    nextTurn,
    metrics,
  } = deps;
  const completeGroup = createGroup<Report, Verdict>({ most: 200, nextTurn, run: completeTogether });
  const carefulGroup = createGroup<Report, Verdict>({ most: 100, nextTurn, run: settleWithCare });

  async function completeTogether(reports: Report[]): Promise<Verdict[]> {
    // In the order of ids, so that statements of several nodes lock rows in the same order.
    const first = firstPerLease(reports);
    const ordered = [...first].sort((a, b) => (a.taskId < b.taskId ? -1 : 1));
    const results = ordered.map(({ taskId, token, outcome, agent }) => ({
      id: taskId,
      token,
      next: agent !== undefined && mayGoOn(agent) ? ids.next() : undefined,
      output: outcome.status === "completed" ? outcome.output : null,
    }));
    const now = clock.now();
    const parameters: [string, number, number] = [JSON.stringify(results), now, leaseMs];
    const statement = results.length === 1 ? completeOne : complete;
    const suspects = ordered.filter(({ agentId }) => breakers.of(agentId) !== undefined);
    const { rows, moved } =
      suspects.length === 0
        ? { rows: await database.query(statement, parameters), moved: [] }
        : await completeSuspects(suspects, statement, parameters);
    const ended = new Map<string, string>();
    for (const row of rows) {
      if (row.kind !== "ended") continue;
      ended.set(row.id, row.token as string);
      outcomes.recordOutcome(row.agent_id as string, true);
      budgets.completed(row.tenant as string, row.route as string);
      measure(row.route as string, "completed");
      breakers.succeeded(row.agent_id as string, now);
    }
    announce({ ...completionAftermath(rows), breakers: moved });
    return reports.map((report) =>
      first.has(report) && ended.get(report.taskId) === report.token ? accepted : refused,
    );
  }

  /** The same, where breakers want to know of a success. */
  function completeSuspects(
    suspects: readonly Report[],
    statement: typeof complete,
    parameters: [string, number, number],
  ): Promise<{ rows: CompletionRow[]; moved: BreakerRow[] }> {
    return database.transaction(async (tx) => {
      const agentIds = suspects.map(({ agentId }) => agentId);
      const held = await breakers.hold(tx, agentIds, parameters[1]);
      const rows = await tx.query(statement, parameters);
      for (const { kind, agent_id, token } of rows) {
        if (kind !== "ended") continue;
        held.record(agent_id as string, { kind: "success", at: parameters[1], call: token as string });
      }
      return { rows, moved: await held.save() };
    });
  }

  async function settleWithCare(reports: Report[]): Promise<Verdict[]> {
    const now = clock.now();
    const first = firstPerLease(reports);
    const { live, aftermaths } = await database.transaction(async (tx) => {
      const held = await breakers.hold(
        tx,
        reports.filter(concernsBreaker).map(({ agentId }) => agentId),
        now,
      );
      const rows = await tx.query(lockLive, [reports.map((r) => r.taskId), reports.map((r) => r.token)]);
      const byLease = new Map(rows.map((row) => [leaseName(row.id, row.token), row]));
      const ends: End[] = [];
      const retries: Retry[] = [];
      const settled = [...first].flatMap((report) => {
        const task = byLease.get(leaseName(report.taskId, report.token));
        return task === undefined ? [] : [{ task, report }];
      });
      const failed = settled.filter(({ report }) => report.outcome.status === "failed");
      const policies = await readTaskPolicies(
        tx,
        failed.map(({ task }) => task),
      );
      for (const { task, report } of settled) {
        const kind = isShadow(task) ? "nothing" : judge(report.outcome);
        held.record(task.agent_id, { kind, at: now, call: task.token });
        sortOut(task, report, { now, held, policy: policies.get(task.id) }, ends, retries);
      }
      const effects: Aftermath[] = [{ breakers: await held.save() }];
      await sparePaused(tx, settled, now, ends, retries);
      if (retries.length > 0) {
        const returned = await tx.query(retryTasks, [JSON.stringify(retries), now]);
        effects.push({
          dueAt: Math.min(...retries.map((retry) => retry.ready_at)),
          ready: returned.filter((task) => !task.delayed).map((task) => task.route),
          budgets: budgetsOf(returned),
          freed: returned.map((task) => ({ agentId: task.agent_id, taskId: task.id })),
          unlocked: returned.filter((task) => task.had_locks).map((task) => task.id),
        });
      }
      if (ends.length > 0) effects.push((await cascade(tx, ends, now)).aftermath);
      return { live: byLease, aftermaths: effects };
    });
    for (const aftermath of aftermaths) announce(aftermath);
    return reports.map((report) => {
      const task = live.get(leaseName(report.taskId, report.token));
      if (task === undefined || !first.has(report)) return refused;
      blame(task, report, now);
      return accepted;
    });
  }

  /** Whether the outcome could move the breaker of its agent: failures always, others where it knows the agent. */
  function concernsBreaker({ agentId, outcome }: Report): boolean {
    const kind = judge(outcome);
    return kind === "failure" || kind === "timeout" || breakers.of(agentId) !== undefined;
  }

  function sortOut(
    task: LiveTask,
    { outcome }: Report,
    { now, held, policy }: { now: number; held: HeldBreakers; policy: TaskPolicy | undefined },
    ends: End[],
    retries: Retry[],
  ): void {
    if (outcome.status === "completed") {
      ends.push({ id: task.id, status: "completed", output: outcome.output });
      return;
    }
    const { error } = outcome;
    const fell_back = policy !== undefined && fallsBack(task, outcome, policy, held);
    const plain = policy === undefined ? sendAgainMs : retryDelay(policy, policy.tries, error, random);
    const delay = fell_back ? 0 : plain;
    if (delay === null || (task.deadline_at !== null && now + delay >= task.deadline_at)) {
      ends.push({ id: task.id, status: "failed", error });
      return;
    }
    const counted = policy !== undefined;
    const gated = counted && !fell_back && task.capability !== null && !isAbandoned(error);
    // The budget is asked when the time comes, so there has to be one.
    const ready_at = now + (gated ? Math.max(1, delay) : delay);
    retries.push({ id: task.id, ready_at, error, counted, gated, fell_back });
  }

  /** An attempt is over. */
  function measure(route: string, outcome: Outcome["status"]): void {
    if (metrics === undefined) return;
    metrics.count("muster_attempts", { capability: parseRoute(route).capability ?? "", outcome });
  }

  function blame(task: LiveTask, { outcome }: Report, now: number): void {
    measure(task.route, outcome.status);
    if (outcome.status === "completed") {
      outcomes.recordOutcome(task.agent_id, true);
      breakers.succeeded(task.agent_id, now);
      budgets.completed(task.tenant, task.route);
    }
    if (outcome.status !== "failed") return;
    if (isShadow(task)) outcomes.shadowEnded();
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

/**
 * Whether another agent shall try, at no cost for the task: this one's breaker is not closed, so it was the agent's
 * fault rather than the task's. Each agent can be fallen back from once, so that a task which fails everywhere ends.
 */
function fallsBack(task: LiveTask, outcome: Outcome, policy: TaskPolicy, held: HeldBreakers): boolean {
  if (outcome.status !== "failed" || !isRetryable(policy, outcome.error)) return false;
  const before = task.fell_back ?? [];
  return (
    judge(outcome) !== "nothing" &&
    held.isOut(task.agent_id) &&
    before.length < mostFallbacks &&
    !before.includes(task.agent_id)
  );
}

/** What a shadow does harms nobody: its agent may be doing well what counts. */
const isShadow = (task: LiveTask): boolean => task.rollout_side === "shadow";

export type Settle = ReturnType<typeof createSettle>;
