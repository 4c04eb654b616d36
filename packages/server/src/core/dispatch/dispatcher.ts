import type { JournalEntry, Message, TaskAssignment } from "@muster/sdk/protocol";
import type { Slot } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Log } from "../../ports/log.ts";
import type { MessageBus } from "../../ports/message-bus.ts";
import type { Directory, Roster } from "../discovery/directory.ts";
import { type ClaimedTask, claim } from "../queue/statements/claim.ts";
import { readyRoutes, whoHolds } from "../queue/statements/find-overdue.ts";
import { readJournals } from "../queue/statements/journal.ts";
import { peekReady, type ReadyTask } from "../queue/statements/peek-ready.ts";
import { isoTime, priorityName } from "../task-view.ts";

export interface DispatcherOptions {
  database: Database;
  directory: Directory;
  bus: MessageBus;
  clock: Clock;
  ids: Ids;
  log: Log;
  leaseMs: number;
  /** Told when the first of the new leases or timeouts ends. */
  onLeased: (endsAt: number) => void;
}

/** Tasks leased in one round; a round is one peek and one claim. */
const roundSize = 200;
/** Routes looked at in one round, the longest unserved first. */
const routesPerRound = 500;

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
  const { database, directory, bus, clock, ids, log, leaseMs } = deps;
  const hot = new Set<string>();
  const fresh = new Map<string, ReadyTask[]>();
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
    hot.add(route);
    fresh.delete(route);
  }

  function note(task: ReadyTask): void {
    if (hot.has(task.route)) return;
    const known = fresh.get(task.route);
    if (known === undefined) fresh.set(task.route, [task]);
    else if (known.push(task) > mostFresh) heat(task.route);
  }

  async function drain(): Promise<void> {
    while (again && !stopped) {
      again = false;
      try {
        while (!stopped && (await round()) > 0);
      } catch (error) {
        log.warn({ error }, "A round of dispatch failed; upkeep will start the next one.");
      }
    }
  }

  /** One round; answers how many tasks it handed out. */
  async function round(): Promise<number> {
    const roster = await directory.roster();
    const found = [...takeFresh(), ...(await peek(roster))].sort(compareReady);
    for (const { route } of found.splice(roundSize)) heat(route);
    return found.length === 0 ? 0 : handOut(roster, found);
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

  /** The best tasks of the hot routes, as many as there is room for. */
  async function peek(roster: Roster): Promise<ReadyTask[]> {
    if (hot.size === 0) return [];
    const asked = [...hot].slice(0, routesPerRound).map((route) => roster.capacity(route));
    const wanted = asked
      .filter(({ free }) => free > 0)
      .map(({ route, tenants, free }) => ({ route, tenants, most: Math.min(free, roundSize) }));
    if (wanted.length === 0) return [];
    for (const { route } of wanted) hot.delete(route);
    try {
      const found = await database.query(peekReady, [JSON.stringify(wanted), roundSize]);
      keepHot(wanted, found);
      return found;
    } catch (error) {
      for (const { route } of wanted) heat(route);
      throw error;
    }
  }

  /** A route that gave all that was asked of it may hold more. */
  function keepHot(wanted: { route: string; most: number }[], found: ReadyTask[]): void {
    const counts = new Map<string, number>();
    for (const { route } of found) counts.set(route, (counts.get(route) ?? 0) + 1);
    for (const { route, most } of wanted) {
      if ((counts.get(route) ?? 0) >= most || found.length >= roundSize) heat(route);
    }
  }

  async function handOut(
    roster: Awaited<ReturnType<Directory["roster"]>>,
    found: ReadyTask[],
  ): Promise<number> {
    const slots: (Slot & { name: string })[] = [];
    for (const task of found) {
      const agent = roster.choose(task.route, task.tenant, task.preferred_agent);
      // Still ready, but nobody is free for it: it is looked at again when somebody is.
      if (agent === null) heat(task.route);
      else slots.push({ agentId: agent.id, taskId: task.id, name: agent.name });
    }
    if (slots.length === 0) return 0;
    const granted = await directory.reserve(slots);
    const reserved = slots.filter((_, index) => granted[index]);
    if (reserved.length < slots.length) for (const { route } of found) heat(route);
    if (reserved.length === 0) return 0;
    // In the order of ids, so that statements of several nodes lock rows in the same order.
    reserved.sort((a, b) => (a.taskId < b.taskId ? -1 : 1));
    const claims = reserved.map(({ agentId, taskId, name }) => ({
      id: taskId,
      token: ids.next(),
      agent_id: agentId,
      agent_name: name,
    }));
    let claimed: ClaimedTask[];
    try {
      claimed = await database.query(claim, [JSON.stringify(claims), clock.now(), leaseMs]);
    } catch (error) {
      for (const { route } of found) heat(route);
      // Nobody knows whether it happened, so the slots stay taken: upkeep gives back those without a lease.
      throw error;
    }
    deps.onLeased(Math.min(leaseMs + clock.now(), ...claimed.map((task) => task.timeout_at)));
    await send(claimed);
    await releaseUnclaimed(reserved, claimed);
    return claimed.length;
  }

  /**
   * Gives back the slots of tasks that could not be claimed. A task can be found twice, as one that has just become
   * ready and by a look at its route; then its slot is that of the first claim and stays taken.
   */
  async function releaseUnclaimed(reserved: Slot[], claimed: ClaimedTask[]): Promise<void> {
    if (claimed.length === reserved.length) return;
    const taken = new Set(claimed.map((task) => task.id));
    const unclaimed = reserved.filter((slot) => !taken.has(slot.taskId));
    const holders = await database.query(whoHolds, [unclaimed.map((slot) => slot.taskId)]);
    const holderOf = new Map(holders.map((task) => [task.id, task.agent_id]));
    await directory.release(unclaimed.filter((slot) => holderOf.get(slot.taskId) !== slot.agentId));
  }

  async function send(claimed: ClaimedTask[]): Promise<void> {
    const journals = await loadJournals(claimed);
    const sentAt = isoTime(clock.now());
    for (const task of claimed) {
      const message: Message = {
        id: ids.next(),
        type: "task_request",
        from: "orchestrator",
        to: task.agent_id,
        taskId: task.id,
        correlationId: task.token,
        payload: assignmentOf(task, journals.get(task.id) ?? []),
        sentAt,
      };
      // A message that is lost here costs a lease, not a task.
      bus.send(message, task.priority).catch((error: unknown) => {
        log.warn(
          { error, taskId: task.id, agentId: task.agent_id },
          "A task could not be sent; its lease will end.",
        );
      });
    }
  }

  async function loadJournals(claimed: ClaimedTask[]): Promise<Map<string, JournalEntry[]>> {
    const journals = new Map<string, JournalEntry[]>();
    const again = claimed.filter((task) => task.attempt > 1 || task.resumed).map((task) => task.id);
    if (again.length === 0) return journals;
    for (const { task_id, key, value } of await database.query(readJournals, [again])) {
      const entries = journals.get(task_id) ?? [];
      entries.push({ key, value });
      journals.set(task_id, entries);
    }
    return journals;
  }

  return {
    nudge,
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

/** By priority, then the fair order of tenants, then age. */
const compareReady = (a: ReadyTask, b: ReadyTask): number =>
  b.priority - a.priority || a.virtual_time - b.virtual_time || (a.id < b.id ? -1 : 1);

function assignmentOf(task: ClaimedTask, journal: JournalEntry[]): TaskAssignment {
  return {
    taskId: task.id,
    leaseToken: task.token,
    capability: task.capability,
    input: task.input,
    priority: priorityName(task.priority),
    attempt: task.attempt,
    maxAttempts: task.max_attempts,
    timeoutAt: isoTime(task.timeout_at),
    runId: task.run_id,
    parentId: task.parent_id,
    resumed: task.resumed,
    journal,
  };
}

export type Dispatcher = ReturnType<typeof createDispatcher>;
