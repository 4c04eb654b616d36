import type { Slot } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database, Queryable } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Directory, RolloutCount, Roster, RouteCapacity } from "../discovery/directory.ts";
import type { BreakerRow } from "../queue/statements/breakers.ts";
import { type ClaimedTask, claim } from "../queue/statements/claim.ts";
import { whoHolds } from "../queue/statements/find-overdue.ts";
import { lockReady, peekReady, type ReadyTask } from "../queue/statements/peek-ready.ts";
import type { Breakers } from "../resilience/breakers.ts";
import { createAskForProbes } from "./ask-for-probes.ts";
import { type BudgetedPlace, createClaimWithinBudgets } from "./claim-within-budgets.ts";

export interface LeaseDependencies {
  database: Database;
  directory: Directory;
  breakers: Pick<Breakers, "beginProbes" | "returnProbes">;
  clock: Clock;
  ids: Ids;
  leaseMs: number;
  /** Other nodes lease tasks of the same database. */
  shared: boolean;
  /** Told of reached budgets under which work was found that must not wait. */
  onStopped: (budgetIds: readonly string[]) => void;
  /** Told of a task that was leased and is not to be sent. */
  onUnsent: (task: ClaimedTask) => void;
}

/** Tasks leased in one round at most. */
export const roundSize = 200;

/**
 * A reserved slot must be claimed within this: a node that stood still for longer, before its claim or in it, must take the slot
 * for given away and sends nothing. Reconciling waits twice as long.
 */
export const claimWithinMs = 2_500;

export interface Leased {
  claimed: ClaimedTask[];
  /** Routes on which more may be ready than was leased. */
  left: Set<string>;
  /** Tasks that were taken out of the ready order because their budget has no room for them. */
  held: number;
  /** Breakers whose probe is under way now. */
  probed: BreakerRow[];
  /** Somebody else had sent the probe already: this node does not know breakers as they are. */
  outdated: boolean;
}

interface Place extends Slot {
  name: string;
  route: string;
  token: string;
  /** The task is the probe of the agent's breaker. */
  probe: boolean;
  budgetId: string | null;
  resumed: boolean;
  /** Where the task is in a rollout: the side that the attempt counts for. */
  rollout: RolloutCount | null;
}

const isBudgeted = (place: Place): place is Place & BudgetedPlace => place.budgetId !== null;

/** What came of places without a budget, and the places that are under one. */
interface Round extends Omit<Leased, "held"> {
  reserved: readonly Place[];
  /** Until when the slots are certainly kept for the claim. */
  keptUntil: number;
  budgeted: (Place & BudgetedPlace)[];
}

/** Look → choose → reserve → claim: leases ready tasks to agents that have room for them, in as few statements as can be. */
export function createLeaseTasks(deps: LeaseDependencies) {
  const { database, directory, clock, ids, leaseMs, shared } = deps;
  const probes = createAskForProbes(deps.breakers);
  const claimWithinBudgets = createClaimWithinBudgets<Place & BudgetedPlace>({
    ...deps,
    probes,
    claimsFor,
    keptMs: claimWithinMs,
  });

  /**
   * Leases `fresh` tasks, and what is ready on the routes `wanted`, the best first. Where nodes share the queue, what
   * one of them looks at is locked until it was leased, and the others look past it instead of at the same.
   */
  return async function leaseTasks(
    roster: Roster,
    fresh: readonly ReadyTask[],
    wanted: readonly RouteCapacity[],
  ): Promise<Leased> {
    const lease = (on: Queryable) => leaseOn(on, roster, fresh, wanted);
    const together = roster.hasProbed || (shared && wanted.length > 0);
    const { reserved, keptUntil, budgeted, ...leased } = await (together
      ? database.transaction(lease)
      : lease(database));
    const claimed = inTime(leased.claimed, keptUntil);
    await releaseUnclaimed(reserved, leased.claimed);
    if (budgeted.length === 0) return { ...leased, claimed, held: 0 };
    return withBudgeted({ ...leased, claimed }, budgeted);
  };

  /** Leases that took so long that their slots may be others' by now are given back unsent, so that no agent gets too much. */
  function inTime(claimed: ClaimedTask[], keptUntil: number): ClaimedTask[] {
    if (clock.now() <= keptUntil) return claimed;
    for (const task of claimed) deps.onUnsent(task);
    return [];
  }

  /** Afterwards, since whoever has locked tasks must not ask for the lock of a budget. */
  async function withBudgeted(leased: Omit<Leased, "held">, budgeted: Round["budgeted"]): Promise<Leased> {
    const within = await claimWithinBudgets(budgeted);
    const claimed = inTime(within.claimed, within.keptUntil);
    await releaseUnclaimed(within.reserved, within.claimed);
    if (within.reserved.length + within.held < budgeted.length)
      for (const { route } of budgeted) leased.left.add(route);
    return {
      claimed: [...leased.claimed, ...claimed],
      left: leased.left,
      held: within.held,
      probed: [...leased.probed, ...within.probed],
      outdated: leased.outdated || within.outdated,
    };
  }

  async function leaseOn(
    on: Queryable,
    roster: Roster,
    fresh: readonly ReadyTask[],
    wanted: readonly RouteCapacity[],
  ): Promise<Round> {
    const seen = await look(on, wanted);
    const found = [...fresh, ...seen].sort(compareReady);
    const left = new Set([...unfinished(wanted, seen), ...found.splice(roundSize).map((task) => task.route)]);
    const { places, refused } = choose(roster, found);
    for (const route of refused) left.add(route);
    places.push(...(await passBy(on, roster, wanted, found, refused)));
    const budgeted = places.filter(isBudgeted);
    const free = budgeted.length === 0 ? places : places.filter((place) => !isBudgeted(place));
    const { allowed, begun, refused: outdated } = await probes.ask(on, free);
    const keptUntil = clock.now() + claimWithinMs;
    const granted = allowed.length === 0 ? [] : await directory.reserve(allowed);
    const reserved = allowed.filter((_, index) => granted[index]);
    const isKept = clock.now() <= keptUntil;
    if (reserved.length < free.length || !isKept) for (const { route } of found) left.add(route);
    // If this fails, nobody knows whether it happened: the slots stay taken, and upkeep gives back those without a lease.
    const claims = [JSON.stringify(claimsFor(reserved)), clock.now(), leaseMs];
    const claimed = isKept && reserved.length > 0 ? await on.query(claim, claims) : [];
    const probed = await probes.keep(on, begun, claimed);
    return { claimed, reserved, keptUntil, budgeted, left, probed, outdated };
  }

  /**
   * Tasks that wait for another agent than those that are free now must not keep others of their route waiting: where
   * there were any, looks at what is behind them.
   */
  async function passBy(
    on: Queryable,
    roster: Roster,
    wanted: readonly RouteCapacity[],
    found: readonly ReadyTask[],
    refused: readonly string[],
  ): Promise<Place[]> {
    if (refused.length === 0 || !found.some((task) => task.avoid !== null)) return [];
    const blocked = wanted
      .filter(({ route }) => refused.includes(route) && roster.capacity(route).free > 0)
      .map((capacity) => ({ ...capacity, free: roundSize }));
    const known = new Set(found.map((task) => task.id));
    const behind = (await look(on, blocked)).filter((task) => !known.has(task.id));
    return choose(roster, behind).places;
  }

  /** An agent for each task, as far as there are any. `refused`: routes of tasks for which nobody is free. */
  function choose(roster: Roster, tasks: readonly ReadyTask[]): { places: Place[]; refused: string[] } {
    const places: Place[] = [];
    const refused: string[] = [];
    for (const task of tasks) {
      const agent = roster.choose(task);
      if (agent === null) refused.push(task.route);
      else {
        const probe = roster.isProbed(agent.id);
        const rollout = roster.count(task.route, agent);
        const under = { budgetId: task.budget_id, resumed: task.preferred_agent !== null };
        const agentOf = { agentId: agent.id, name: agent.name, probe, rollout };
        places.push({ ...agentOf, taskId: task.id, route: task.route, token: ids.next(), ...under });
      }
    }
    return { places, refused };
  }

  async function look(on: Queryable, wanted: readonly RouteCapacity[]): Promise<ReadyTask[]> {
    if (wanted.length === 0) return [];
    const asked = wanted.map(({ route, tenants, free }) => ({
      route,
      tenants,
      most: Math.min(free, roundSize),
    }));
    return on.query(shared ? lockReady : peekReady, [JSON.stringify(asked), roundSize]);
  }

  /** In the order of ids, so that statements of several nodes lock rows in the same order. */
  function claimsFor(places: readonly Place[]) {
    const ordered = [...places].sort((a, b) => (a.taskId < b.taskId ? -1 : 1));
    return ordered.map(({ agentId, taskId, name, token, rollout }) => ({
      id: taskId,
      token,
      agent_id: agentId,
      agent_name: name,
      ...(rollout === null ? {} : { rollout_id: rollout.rolloutId, rollout_side: rollout.side }),
    }));
  }

  /**
   * Gives back the slots of tasks that could not be claimed. A task can be found twice, as one that has just become
   * ready and by a look at its route; then its slot is that of the first claim and stays taken.
   */
  async function releaseUnclaimed(reserved: readonly Slot[], claimed: readonly ClaimedTask[]): Promise<void> {
    if (claimed.length === reserved.length) return;
    const taken = new Set(claimed.map((task) => task.id));
    const unclaimed = reserved.filter((slot) => !taken.has(slot.taskId));
    const holders = await database.query(whoHolds, [unclaimed.map((slot) => slot.taskId)]);
    const holderOf = new Map(holders.map((task) => [task.id, task.agent_id]));
    await directory.release(unclaimed.filter((slot) => holderOf.get(slot.taskId) !== slot.agentId));
  }
}

/** By priority, then the fair order of tenants, then age. */
const compareReady = (a: ReadyTask, b: ReadyTask): number =>
  b.priority - a.priority || a.virtual_time - b.virtual_time || (a.id < b.id ? -1 : 1);

/** Routes that gave all that was asked of them, and may hold more. */
function unfinished(wanted: readonly RouteCapacity[], seen: readonly ReadyTask[]): string[] {
  const counts = new Map<string, number>();
  for (const { route } of seen) counts.set(route, (counts.get(route) ?? 0) + 1);
  const full = seen.length >= roundSize;
  return wanted
    .filter(({ route, free }) => full || (counts.get(route) ?? 0) >= Math.min(free, roundSize))
    .map(({ route }) => route);
}
