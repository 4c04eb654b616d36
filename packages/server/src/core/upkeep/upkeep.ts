import type { TaskError } from "@muster/sdk/protocol";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Log } from "../../ports/log.ts";
import type { Announce } from "../aftermath.ts";
import type { Budgets } from "../budgets/create-budgets.ts";
import { cascade } from "../completion/cascade.ts";
import type { Settle } from "../completion/settle.ts";
import type { DeadlockWatch } from "../deadlocks/deadlock-watch.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { Waiters } from "../events/waiters.ts";
import type { AgentLife } from "../gateway/agent-life.ts";
import { isAway } from "../is-away.ts";
import type { Locking } from "../locks/lock-service.ts";
import type { Memory } from "../memory/create-memory.ts";
import type { CountAutonomy } from "../people/count-autonomy.ts";
import {
  findExpired,
  findOverdue,
  nextDue,
  type OverdueTask,
  promoteDelayed,
} from "../queue/statements/find-overdue.ts";
import type { Breakers } from "../resilience/breakers.ts";
import type { RetryBudgets } from "../resilience/retry-budgets.ts";
import type { Judge } from "../rollouts/judge-rollouts.ts";
import type { RolloutBoard } from "../rollouts/rollout-board.ts";
import type { FireSchedules } from "../schedules/fire-schedules.ts";
import type { FireTriggers } from "../triggers/fire-triggers.ts";
import type { Duty } from "./duty.ts";
import type { Prune } from "./prune.ts";
import type { Reconcile } from "./reconcile.ts";

export interface UpkeepDependencies {
  database: Database;
  clock: Clock;
  log: Log;
  settle: Settle;
  dispatcher: Dispatcher;
  budgets: Pick<RetryBudgets, "pass" | "credit">;
  life: AgentLife;
  breakers: Pick<Breakers, "endCoolDowns" | "dropLostProbes" | "refresh">;
  locking: Pick<Locking, "settleDue" | "recheck">;
  deadlocks: Pick<DeadlockWatch, "look">;
  memory: Pick<Memory, "tend">;
  announce: Announce;
  spending: Pick<Budgets, "endTimes" | "catchUp">;
  duty: Duty;
  waiters: Pick<Waiters, "recheck" | "wakeAll">;
  findStalledRuns: () => Promise<void>;
  schedules: FireSchedules;
  triggers: FireTriggers;
  /** Counts what was finished with people and without, before it is removed. */
  autonomy: Pick<CountAutonomy, "look" | "countedUntil" | "stop">;
  reconcile: Reconcile;
  /** Reminds, escalates and ends what waits for people. */
  inboxDue: (now: number) => Promise<void>;
  rollouts: Pick<RolloutBoard, "reload"> & Pick<Judge, "look" | "lookAtDue">;
  prune: Prune;
  /** Begins the backup that is due, if one is, and does not wait for it. */
  beginBackup: (now: number) => Promise<void>;
}

/** Pause before the next look while something is due still, so that what can't be moved on is no endless loop. */
const breathMs = 20;
/** Longest time between two looks while nothing is due. */
const restMs = 2_000;
/** How often lost nudges and miscounted slots are looked for. */
const recheckMs = 5_000;
const pruneEveryMs = 60_000;
/** Rows moved on by one statement. */
const batch = 200;

const reasons: Record<OverdueTask["reason"], TaskError> = {
  deadline: { code: "deadline", message: "The task's deadline passed.", retryable: false },
  timeout: { code: "timeout", message: "The attempt took longer than its timeout." },
  lease: { code: "lease_expired", message: "The agent was silent until its lease ended." },
};

/**
 * Everything that waits is a row with a time; upkeep looks at the rows whose time has come. One timer, set to
 * the next of these times, so that a retry is punctual and an idle orchestrator does next to nothing. Of several
 * nodes one has the duty, and hears from the others what will be due.
 */
export function createUpkeep(deps: UpkeepDependencies) {
  const { database, clock, log, settle, announce } = deps;
  let timer: Timer | null = null;
  let running: Promise<void> | null = null;
  let stopped = true;
  let nextLook = Number.POSITIVE_INFINITY;
  let lastRecheck = Number.NEGATIVE_INFINITY;
  let onDuty = false;
  /** The last look failed since the database is away. */
  let cutOff = false;
  let lastPrune = Number.NEGATIVE_INFINITY;

  function schedule(at: number): void {
    timer?.cancel();
    nextLook = at;
    if (!stopped) timer = clock.setTimer(Math.max(1, at - clock.now()), () => void look());
  }

  async function look(): Promise<void> {
    if (running !== null || stopped) return;
    nextLook = Number.POSITIVE_INFINITY;
    running = everything().catch(afterFailure);
    await running;
    const next = onDuty ? await findNext() : null;
    running = null;
    // Somebody may have asked for an earlier look meanwhile.
    schedule(
      Math.min(afterBreath(next ?? Number.POSITIVE_INFINITY), afterBreath(nextLook), clock.now() + restMs),
    );
  }

  /** A moment to come stays; one that has passed is looked at again after a breath. */
  const afterBreath = (at: number): number => (at > clock.now() ? at : clock.now() + breathMs);

  /**
   * A node that can't reach the database leaves the duty to those that can. Who waits for something here will not hear
   * of it: better that they learn why now, and ask another node.
   */
  async function afterFailure(error: unknown): Promise<void> {
    log.warn({ error }, "Upkeep failed; it will look again.");
    cutOff = isAway(error) && !(await databaseAnswers());
    if (!cutOff) return;
    onDuty = false;
    await deps.duty.giveUp();
    deps.waiters.wakeAll();
  }

  const databaseAnswers = (): Promise<boolean> =>
    database.query(nextDue).then(
      () => true,
      () => false,
    );

  async function everything(): Promise<void> {
    const now = clock.now();
    if (cutOff) await database.query(nextDue);
    cutOff = false;
    onDuty = await deps.duty.isMine();
    if (onDuty) await endWhatIsDue(now);
    if (onDuty) deps.triggers.look();
    if (now - lastRecheck >= recheckMs) {
      lastRecheck = now;
      await deps.budgets.credit();
      if (onDuty) await deps.reconcile();
      if (onDuty) await deps.findStalledRuns();
      if (onDuty) await deps.spending.catchUp();
      if (onDuty) await deps.schedules.queued();
      if (onDuty) await deps.breakers.dropLostProbes();
      await deps.breakers.refresh();
      await deps.rollouts.reload();
      if (onDuty) await deps.rollouts.look();
      await deps.dispatcher.refresh();
      // Those who wait look once more: the change that should have woken them may have lost its answer.
      await deps.waiters.recheck();
      if (onDuty) await deps.locking.settleDue(now);
      await deps.locking.recheck();
      if (onDuty) await deps.deadlocks.look(now);
      if (onDuty) deps.memory.tend();
      if (onDuty) deps.autonomy.look();
      announce({});
    }
    if (onDuty) await deps.beginBackup(now);
    const countedUntil = deps.autonomy.countedUntil();
    if (onDuty && now - lastPrune >= pruneEveryMs && Number.isFinite(countedUntil)) {
      lastPrune = now;
      await deps.prune(now, countedUntil);
    }
  }

  async function endWhatIsDue(now: number): Promise<void> {
    const due = await findNext();
    if (due !== null && due <= now) {
      await promote(now);
      await deps.breakers.endCoolDowns(now);
      await deps.budgets.pass(now);
      await endOverdue(now);
      await endExpired(now);
      await deps.spending.endTimes(now);
      await deps.schedules.due();
      await deps.rollouts.lookAtDue(now);
      await deps.locking.settleDue(now);
      await deps.inboxDue(now);
    }
    await deps.life.expire();
  }

  async function promote(now: number): Promise<void> {
    for (;;) {
      const due = await database.query(promoteDelayed, [now, batch]);
      if (due.length > 0) announce({ ready: due.map((task) => task.route) });
      if (due.length < batch) return;
    }
  }

  async function endOverdue(now: number): Promise<void> {
    for (;;) {
      const overdue = await database.query(findOverdue, [now, batch]);
      const verdicts = await Promise.all(
        overdue.map(({ id, token, agent_id: agentId, reason }) =>
          settle({ taskId: id, token, agentId, outcome: { status: "failed", error: reasons[reason] } }),
        ),
      );
      const ended = overdue.filter((_, index) => verdicts[index]?.accepted);
      announce({
        stop: ended.map(({ id, agent_id, reason }) => ({
          agentId: agent_id,
          taskId: id,
          reason: reason === "lease" ? "lease_lost" : "timeout",
        })),
      });
      if (overdue.length < batch || ended.length === 0) return;
    }
  }

  async function endExpired(now: number): Promise<void> {
    for (;;) {
      const expired = await database.query(findExpired, [now, batch]);
      if (expired.length === 0) return;
      const ends = expired.map(({ id }) => ({ id, status: "failed" as const, error: reasons.deadline }));
      const { aftermath } = await database.transaction((tx) => cascade(tx, ends, now));
      announce(aftermath);
      if (expired.length < batch) return;
    }
  }

  /** The next moment at which a row is due; null: none, or the database does not answer. */
  async function findNext(): Promise<number | null> {
    try {
      return (await database.query(nextDue))[0]?.at ?? null;
    } catch {
      return null;
    }
  }

  return {
    /** Something waits for this moment: look then, if not sooner. */
    lookAt(at: number): void {
      if (stopped || at >= nextLook || !onDuty) return;
      if (running === null) schedule(at);
      else nextLook = at;
    },
    look,
    async start(): Promise<void> {
      stopped = false;
      await look();
    },
    async stop(): Promise<void> {
      stopped = true;
      timer?.cancel();
      await running;
      await deps.triggers.stop();
      await deps.autonomy.stop();
      await deps.duty.giveUp();
    },
  };
}

export type Upkeep = ReturnType<typeof createUpkeep>;
