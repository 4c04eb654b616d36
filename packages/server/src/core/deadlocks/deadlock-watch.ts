import { MusterError } from "@muster/sdk/protocol";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Database, Queryable } from "../../ports/database.ts";
import type { Log } from "../../ports/log.ts";
import type { Announce } from "../aftermath.ts";
import { cascade } from "../completion/cascade.ts";
import type { Locking } from "../locks/lock-service.ts";
import {
  findWaiting,
  raisePriority,
  tellOfDeadlock,
  type WaitRow,
  waitsFrom,
} from "../queue/statements/deadlocks.ts";
import { lockEnded } from "../queue/statements/retry-by-hand.ts";
import {
  circleIn,
  type DeadlockPolicy,
  graphOf,
  inherited,
  pathOf,
  victimOf,
  type Waiting,
} from "./wait-graph.ts";

export type { DeadlockPolicy } from "./wait-graph.ts";

export interface DeadlockWatchDependencies {
  database: Database;
  clock: Clock;
  log: Log;
  announce: Announce;
  locking: Pick<Locking, "refuse">;
  policy: DeadlockPolicy;
}

/** Tasks that began to wait within this time are looked at together. */
const gatherMs = 20;
/** Tasks looked at in one search, with everything that they wait for. */
const mostTasks = 10_000;
/** Tasks that begin to wait between two searches; what is beyond is found by the next look at all. */
const mostSuspects = 5_000;
/** Circles dealt with in one search. */
const mostCircles = 50;
/** How often everything that waits is looked at, in case that a node died before it looked. */
const lookMs = 60_000;
/** Circles that are remembered as reported. */
const mostReported = 1_000;

/**
 * Finds tasks that wait for each other, at the moment in which the circle closes, and lets one of them give way; and
 * lets work inherit the priority of whoever waits for it. A circle closes when somebody begins to wait, so whatever
 * makes a task wait names it as a suspect.
 */
export function createDeadlockWatch(deps: DeadlockWatchDependencies) {
  const { database, clock, log, announce, locking, policy } = deps;
  let suspects = new Set<string>();
  let timer: Timer | null = null;
  let searching = false;
  let lastLook = clock.now();
  let stopped = false;
  const reported = new Set<string>();

  function suspect(ids: readonly string[]): void {
    for (const id of ids) if (suspects.size < mostSuspects) suspects.add(id);
    if (suspects.size === 0 || stopped) return;
    timer ??= clock.setTimer(gatherMs, () => {
      timer = null;
      if (!searching) void searchSuspects();
    });
  }

  async function searchSuspects(): Promise<void> {
    const ids = [...suspects];
    suspects = new Set();
    searching = true;
    try {
      await search(ids);
    } catch (error) {
      log.warn({ error }, "Tasks that may wait for each other were not looked at; upkeep will.");
    } finally {
      searching = false;
      suspect([]);
    }
  }

  const read = (on: Queryable, ids: readonly string[]): Promise<WaitRow[]> =>
    on.query(waitsFrom, [ids, mostTasks, clock.now()]);

  async function search(ids: readonly string[]): Promise<void> {
    const graph = new Map(graphOf(await read(database, ids)));
    const raises = inherited(graph);
    if (raises.length > 0) await raise(raises);
    for (let found = 0; found < mostCircles; found++) {
      const circle = circleIn(graph);
      if (circle === null) return;
      const victim = victimOf(circle, policy, clock.now());
      await deal(circle, victim);
      // Whatever else goes through it is over as well, or was reported with it.
      graph.delete(victim.id);
    }
  }

  async function raise(raises: readonly { id: string; priority: number }[]): Promise<void> {
    const raised = await database.query(raisePriority, [JSON.stringify(raises), clock.now()]);
    announce({ ready: raised.filter((task) => task.status === "ready").map((task) => task.route) });
  }

  async function deal(circle: readonly Waiting[], victim: Waiting): Promise<void> {
    const path = pathOf(circle, victim);
    const data = { path, tasks: circle.map((task) => task.id), policy };
    if (policy === "report") {
      const name = [...data.tasks].sort().join(" ");
      if (reported.has(name)) return;
      if (reported.size >= mostReported) reported.clear();
      reported.add(name);
      log.warn({ path }, "Tasks wait for each other, and none is made to give way.");
      await database.query(tellOfDeadlock, [clock.now(), victim.id, "deadlock.found", JSON.stringify(data)]);
      announce({});
      return;
    }
    const broken = await giveWay(circle, victim, path, data);
    if (broken) log.warn({ path, taskId: victim.id }, "Tasks waited for each other; one of them gave way.");
  }

  /** Ends what the victim waits for, if the circle is still there: its place in a line, or else the task. */
  async function giveWay(
    circle: readonly Waiting[],
    victim: Waiting,
    path: string,
    data: object,
  ): Promise<boolean> {
    const message = `Tasks waited for each other: ${path}.`;
    const next = circle[(circle.indexOf(victim) + 1) % circle.length]?.id;
    const line = victim.edges.find((edge) => edge.waits_for === next && edge.kind === "lock");
    if (line !== undefined) {
      const hint = "Release what this attempt holds and begin again; take locks in one order everywhere.";
      const key = {
        tenant: line.lock_tenant as string,
        name: line.lock_name as string,
        token: line.lock_token as string,
      };
      await database.query(tellOfDeadlock, [clock.now(), victim.id, "deadlock.broken", JSON.stringify(data)]);
      await locking.refuse(key, new MusterError("deadlock", message, { hint }));
      return true;
    }
    const now = clock.now();
    const effect = await database.transaction(async (tx) => {
      await tx.query(lockEnded, [circle.map((task) => task.id)]);
      const still = circleIn(graphOf(await read(tx, [victim.id])));
      if (still === null || !still.some((task) => task.id === victim.id)) return null;
      await tx.query(tellOfDeadlock, [now, victim.id, "deadlock.broken", JSON.stringify(data)]);
      const error = { code: "deadlock", message, retryable: false };
      return cascade(tx, [{ id: victim.id, status: "failed", error }], now);
    });
    if (effect !== null) announce(effect.aftermath);
    return effect !== null;
  }

  return {
    suspect,
    /** Looks at everything that waits, now and then. */
    async look(now: number): Promise<void> {
      if (now - lastLook < lookMs) return;
      lastLook = now;
      const waiting = await database.query(findWaiting, [mostTasks]);
      if (waiting.length > 0) await search(waiting.map((task) => task.id));
    },
    stop(): void {
      stopped = true;
      timer?.cancel();
    },
  };
}

export type DeadlockWatch = ReturnType<typeof createDeadlockWatch>;
