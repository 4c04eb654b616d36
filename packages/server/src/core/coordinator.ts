import type { Message, StopWork } from "@muster/sdk/protocol";
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import type { Log } from "../ports/log.ts";
import type { MessageBus } from "../ports/message-bus.ts";
import type { Aftermath, Announce } from "./aftermath.ts";
import type { Directory } from "./discovery/directory.ts";
import type { Dispatcher } from "./dispatch/dispatcher.ts";
import type { EventFeed } from "./events/event-feed.ts";
import type { Waiters } from "./events/waiters.ts";
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
  advanceRuns: (runIds: readonly string[]) => void;
}

/** Stop messages go before everything else. */
const stopPriority = 10;

/**
 * The way of a task, seen from above. Intake, settling, gateway and upkeep change state in the database and say
 * what that means in an `Aftermath`; this is where each meaning has its consequence:
 *
 *   submit → admit → enqueue ┐
 *              settle ┬──────┴→ ready routes → discover → reserve → claim → send      (dispatcher)
 *                     ├→ freed slots ────────↗
 *                     ├→ steps that are over → close, open, end                      (runs)
 *                     ├→ ended tasks → whoever waited for them                       (waiters)
 *                     ├→ agents that must stop → a message each                      (bus)
 *                     └→ events → every subscriber, in order                         (feed)
 *
 * All of it can be lost in a crash: the database knows it again, and upkeep finds it.
 */
export function createCoordinator(deps: CoordinatorDependencies): Announce {
  const { directory, dispatcher, bus, clock, ids, log, feed, waiters, upkeep } = deps;

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

  return function announce({
    ready = [],
    fresh = [],
    ended = [],
    freed = [],
    runs = [],
    stop = [],
    dueAt,
  }: Aftermath): void {
    feed.wake();
    if (stop.length > 0) for (const order of stop) stopWork(order);
    if (ended.length > 0) waiters.ended(ended);
    if (runs.length > 0) deps.advanceRuns(runs);
    if (dueAt !== undefined) upkeep.lookAt(dueAt);
    if (freed.length === 0) {
      if (ready.length > 0 || fresh.length > 0) dispatcher.nudge(ready, fresh);
      return;
    }
    directory.release(freed).then(
      () => dispatcher.nudge(ready, fresh),
      (error: unknown) => log.warn({ error }, "Slots could not be given back; upkeep will."),
    );
  };
}
