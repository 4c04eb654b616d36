import type { Message, StopWork } from "@muster/sdk/protocol";
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import type { Log } from "../ports/log.ts";
import type { MessageBus } from "../ports/message-bus.ts";
import type { Metrics } from "../ports/metrics.ts";
import type { Signals } from "../ports/signals.ts";
import type { Aftermath, Announce } from "./aftermath.ts";
import type { Budgets } from "./budgets/create-budgets.ts";
import type { DeadlockWatch } from "./deadlocks/deadlock-watch.ts";
import type { Directory } from "./discovery/directory.ts";
import type { Dispatcher } from "./dispatch/dispatcher.ts";
import type { EventFeed } from "./events/event-feed.ts";
import type { Waiters } from "./events/waiters.ts";
import type { Locking } from "./locks/lock-service.ts";
import { createNodeSignals, type NodeSignal } from "./node-signals.ts";
import type { BreakerRow } from "./queue/statements/breakers.ts";
import type { Breakers } from "./resilience/breakers.ts";
import { isoTime } from "./task-view.ts";
import type { Upkeep } from "./upkeep/upkeep.ts";

export interface CoordinatorDependencies {
  directory: Directory;
  dispatcher: Dispatcher;
  bus: MessageBus;
  clock: Clock;
  ids: Ids;
  log: Log;
  feed: EventFeed;
  waiters: Waiters;
  upkeep: Upkeep;
  locking: Pick<Locking, "passOn">;
  deadlocks: Pick<DeadlockWatch, "suspect">;
  breakers: Pick<Breakers, "take" | "refresh">;
  metrics?: Metrics;
  /** Left out where there is one node. */
  signals?: Signals;
  advanceRuns: (runIds: readonly string[]) => void;
  spending: Pick<Budgets, "release">;
}

/** Stop messages go before everything else. */
const stopPriority = 10;

/**
 * The way of a task, seen from above. Intake, settling, gateway and upkeep change state in the database and say
 * what that means in an `Aftermath`; this is where each meaning has its consequence:
 *
 *   submit → admit → enqueue ┐
 *              settle ┬──────┴→ ready routes → discover → reserve → claim → send      (dispatcher)
 *                     ├→ freed slots ────────↗                       ↗
 *                     ├→ tasks handed on in the slots of others ─────
 *                     ├→ steps that are over → close, open, end                      (runs)
 *                     ├→ room under a budget → held tasks                            (budget keeper)
 *                     ├→ ended tasks → whoever waited for them                       (waiters)
 *                     ├→ agents that must stop → a message each                      (bus)
 *                     ├→ tasks that began to wait → circles, inherited priority             (deadlocks)
 *                     ├→ locks of attempts that are over → who stands first in line         (locking)
 *                     ├→ breakers that moved → out of discovery, or in again              (directory)
 *                     ├→ events → every subscriber, in order                         (feed)
 *                     └→ all of it, in short → the other nodes                       (node signals)
 *
 * All of it can be lost in a crash: the database knows it again, and upkeep finds it.
 */
export function createCoordinator(deps: CoordinatorDependencies) {
  const { directory, dispatcher, bus, clock, ids, log, feed, waiters, upkeep, breakers } = deps;
  const others = createNodeSignals(deps.signals, clock, { signal: hear, gap: lookAround });

  function stopWork({
    agentId,
    taskId,
    reason,
  }: {
    agentId: string;
    taskId: string;
    reason: StopWork["reason"];
  }): void {
    const payload: StopWork = { event: "task.stop", taskId, reason };
    const id = ids.next();
    const sentAt = isoTime(clock.now());
    const message: Message = {
      id,
      type: "event",
      from: "orchestrator",
      to: agentId,
      taskId,
      correlationId: id,
      payload,
      sentAt,
    };
    bus.send(message, stopPriority).catch((error: unknown) => {
      log.warn(
        { error, agentId, taskId },
        "An agent could not be told to stop; its next heartbeat will tell it.",
      );
    });
  }

  function passOn(taskIds: readonly string[]): void {
    deps.locking.passOn(taskIds).catch((error: unknown) => {
      log.warn({ error }, "Locks of attempts that are over were not passed on; upkeep will.");
    });
  }

  const announce: Announce = (aftermath) => {
    const { ready = [], fresh = [], handed = [], ended = [], freed = [], runs = [], stop = [] } = aftermath;
    const { breakers: changed = [], budgets = [] } = aftermath;
    feed.wake();
    for (const [status, count] of Object.entries(aftermath.endings ?? {}))
      if (count > 0) deps.metrics?.count("muster_tasks_ended", { status }, count);
    for (const row of noteBreakers(changed)) if (row.state === "closed") directory.forgive(row.agent_id);
    if (handed.length > 0) dispatcher.handOver(handed);
    for (const order of stop) stopWork(order);
    if (ended.length > 0) waiters.ended(ended);
    if (runs.length > 0) deps.advanceRuns(runs);
    if (budgets.length > 0) deps.spending.release(budgets);
    if (aftermath.suspects !== undefined) deps.deadlocks.suspect(aftermath.suspects);
    if (aftermath.unlocked !== undefined && aftermath.unlocked.length > 0) passOn(aftermath.unlocked);
    if (aftermath.dueAt !== undefined) upkeep.lookAt(aftermath.dueAt);
    if (freed.length === 0) dispatch(aftermath);
    else {
      directory.release(freed).then(
        () => dispatch(aftermath),
        (error: unknown) => log.warn({ error }, "Slots could not be given back; upkeep will."),
      );
    }

    function dispatch({ dueAt }: Aftermath): void {
      if (ready.length + fresh.length + freed.length + changed.length > 0) dispatcher.nudge(ready, fresh);
      const routes = dispatcher.isRunning() ? [] : [...ready, ...fresh.map((task) => task.route)];
      others.tell({
        ended: [...ended],
        freed: freed.length > 0,
        ready: routes,
        dueAt: dueAt ?? null,
        breakers: [...changed],
      });
    }
  };

  /** Knows breakers as they are now before anybody is given work; answers those whose state is another one. */
  function noteBreakers(rows: readonly BreakerRow[]): BreakerRow[] {
    if (rows.length === 0) return [];
    for (const { retry_at } of rows) if (retry_at !== null) upkeep.lookAt(retry_at);
    return breakers.take(rows);
  }

  /** What another node did. */
  function hear({ ended, freed, ready, dueAt, breakers: changed = [], more }: NodeSignal): void {
    feed.wake();
    noteBreakers(changed);
    waiters.ended(ended);
    if (dueAt !== null) upkeep.lookAt(dueAt);
    if (freed || ready.length > 0 || changed.length > 0) dispatcher.nudge(ready);
    if (more) lookAround();
  }

  /** Signals of other nodes may have been lost: looks for what they would have said. */
  function lookAround(): void {
    feed.wake();
    for (const look of [waiters.recheck, breakers.refresh, dispatcher.refresh]) {
      look().catch((error: unknown) => log.warn({ error }, "What other nodes did will be looked for later."));
    }
  }

  return { announce, start: others.start, stop: others.stop };
}

export type Coordinator = ReturnType<typeof createCoordinator>;
