import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Log } from "../../ports/log.ts";
import type { MessageBus } from "../../ports/message-bus.ts";
import type { Directory, Roster, RouteCapacity } from "../discovery/directory.ts";
import { isAway } from "../is-away.ts";
import type { BreakerRow } from "../queue/statements/breakers.ts";
import type { ClaimedTask } from "../queue/statements/claim.ts";
import type { HandedTask } from "../queue/statements/complete.ts";
import { readyRoutes } from "../queue/statements/find-overdue.ts";
import type { ReadyTask } from "../queue/statements/peek-ready.ts";
import type { Breakers } from "../resilience/breakers.ts";
import type { SeatTasks } from "../rollouts/seat-tasks.ts";
import { createLeaseTasks, roundSize } from "./lease-tasks.ts";
import { createSendTasks } from "./send-tasks.ts";

export interface DispatcherOptions {
  database: Database;
  directory: Directory;
  breakers: Pick<Breakers, "beginProbes" | "returnProbes" | "refresh">;
  bus: MessageBus;
  clock: Clock;
  ids: Ids;
  log: Log;
  leaseMs: number;
  /** Other nodes dispatch from the same database. */
  shared: boolean;
  /** Told when the first of the new leases ends, be it with a timeout or a deadline. */
  onLeased: (endsAt: number) => void;
  /** Told of breakers whose probe is under way now. */
  onProbed: (rows: readonly BreakerRow[]) => void;
  /** Told of a task that was leased and did not reach its agent. */
  onUnsent: (task: ClaimedTask) => void;
  /** Told of reached budgets under which work was found that must not wait. */
  onStopped: (budgetIds: readonly string[]) => void;
  /** Gives tasks their places in rollouts. */
  seating: { isUnseated: (route: string) => boolean; seat: SeatTasks };
}

/** Routes looked at in one round, the longest unserved first. */
const routesPerRound = 500;
/** Routes of which it is asked in one round whether anybody is free for them. */
const mostRoutesSeen = 5_000;
/** Routes whose tasks get seats before one round. */
const seatedPerRound = 20;

/** Fresh tasks remembered per route; a route with more is looked up instead. */
const mostFresh = 1_000;

/**
 * ⑤ dispatch: rounds of look → choose → reserve → claim → send, as long as there is work for somebody who is
 * free. Nothing is polled: a round runs when a route may have got work, or an agent may have got free.
 *
 * A route is *hot* while the database may hold ready tasks that this node has not seen; then a round peeks. Tasks
 * that have just become ready on a route that is not hot are known by name already, and a round hands them out
 * as they are: the next link of a chain costs one look less.
 */
export function createDispatcher(deps: DispatcherOptions) {
  const { database, directory, log } = deps;
  const send = createSendTasks(deps);
  const lease = createLeaseTasks(deps);
  const hot = new Set<string>();
  const fresh = new Map<string, ReadyTask[]>();
  /** Routes on which tasks may be ready that have no seat in a rollout yet. */
  const unseated = new Set<string>();
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = true;

  /** Says that there may be work on routes, or that tasks are ready; with neither, that somebody may be free. */
  function nudge(routes: readonly string[] = [], tasks: readonly ReadyTask[] = []): void {
    for (const route of routes) heat(route);
    for (const task of tasks) note(task);
    if (stopped || (hot.size === 0 && fresh.size === 0)) return;
    again = true;
    running ??= drain().finally(() => {
      running = null;
      if (again) nudge();
    });
  }

  function heat(route: string): void {
    if (deps.seating.isUnseated(route)) unseated.add(route);
    hot.add(route);
    fresh.delete(route);
  }

  function note(task: ReadyTask): void {
    if (deps.seating.isUnseated(task.route)) heat(task.route);
    if (hot.has(task.route)) return;
    const known = fresh.get(task.route);
    if (known === undefined) fresh.set(task.route, [task]);
    else if (known.push(task) > mostFresh) heat(task.route);
  }

  async function drain(): Promise<void> {
    while (again && !stopped) {
      again = false;
      try {
        do await seatSome();
        while (!stopped && ((await round()) > 0 || unseated.size > 0));
      } catch (error) {
        log.warn({ error }, "A round of dispatch failed; upkeep will start the next one.");
      }
    }
  }

  /** Tasks that were ready before their capability's rollout began get their place in it. */
  async function seatSome(): Promise<void> {
    for (const route of [...unseated].slice(0, seatedPerRound)) {
      unseated.delete(route);
      const { routes, more } = await deps.seating.seat(route);
      for (const seated of routes) heat(seated);
      if (more) unseated.add(route);
    }
  }

  /** One round; answers how many tasks it handed out, or took out of the ready order. */
  async function round(): Promise<number> {
    const roster = await directory.roster();
    const known = takeFresh();
    const wanted = takeHot(roster);
    if (known.length === 0 && wanted.length === 0) return 0;
    try {
      const { claimed, left, held, probed, outdated } = await lease(roster, known, wanted);
      if (probed.length > 0) deps.onProbed(probed);
      if (outdated) await deps.breakers.refresh();
      // Still ready, but nobody is free: they are looked at again when somebody is.
      for (const route of left) heat(route);
      if (claimed.length === 0) return held;
      deps.onLeased(Math.min(...claimed.map((task) => task.lease_until)));
      await send(claimed);
      return claimed.length + held;
    } catch (error) {
      for (const { route } of [...known, ...wanted]) heat(route);
      throw error;
    }
  }

  /** The fresh tasks of routes that are not hot. Those that do not fit into this round make their route hot. */
  function takeFresh(): ReadyTask[] {
    const taken: ReadyTask[] = [];
    for (const [route, tasks] of fresh) {
      fresh.delete(route);
      if (taken.length + tasks.length > roundSize) hot.add(route);
      else taken.push(...tasks);
    }
    return taken;
  }

  /** The hot routes on which somebody has room; they are not hot any more. */
  function takeHot(roster: Roster): RouteCapacity[] {
    const wanted: RouteCapacity[] = [];
    let seen = 0;
    for (const route of hot) {
      if (wanted.length >= routesPerRound || ++seen > mostRoutesSeen) break;
      const capacity = roster.capacity(route);
      if (capacity.free > 0) wanted.push(capacity);
    }
    for (const { route } of wanted) hot.delete(route);
    return wanted;
  }

  /** Sends tasks that were leased to agents in place of others, once they have the others' slots. */
  async function handOver(tasks: readonly HandedTask[]): Promise<void> {
    deps.onLeased(Math.min(...tasks.map((task) => task.lease_until)));
    const swaps = tasks.map((task) => ({
      agentId: task.agent_id,
      taskId: task.id,
      insteadOf: task.instead_of,
    }));
    // While the registry is away, the slot stays in the name of the other task until upkeep corrects it.
    await directory.swap(swaps).catch((error: unknown) => {
      if (!isAway(error)) throw error;
    });
    await send(tasks);
  }

  return {
    nudge,
    isRunning: (): boolean => !stopped,
    handOver(tasks: readonly HandedTask[]): void {
      handOver(tasks).catch((error: unknown) =>
        log.warn({ error }, "Tasks that were handed on could not be sent; their leases will end."),
      );
    },
    /** Asks the database which routes have work: at the start, and in case a nudge was lost. */
    async refresh(): Promise<void> {
      const rows = await database.query(readyRoutes, [10_000]);
      nudge(rows.map((row) => row.route));
    },
    start(): void {
      stopped = false;
    },
    async stop(): Promise<void> {
      stopped = true;
      await running;
    },
  };
}

export type Dispatcher = ReturnType<typeof createDispatcher>;
