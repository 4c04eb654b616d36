import type { Slot } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database, Queryable } from "../../ports/database.ts";
import { type Allotment, allot } from "../budgets/allot.ts";
import type { Directory } from "../discovery/directory.ts";
import type { BreakerRow } from "../queue/statements/breakers.ts";
import { countActive, lockBudgets, readPaths, remindBudgets } from "../queue/statements/budgets.ts";
import { type ClaimedTask, claim } from "../queue/statements/claim.ts";
import { holdTasks } from "../queue/statements/held-tasks.ts";
import type { createAskForProbes } from "./ask-for-probes.ts";

export interface BudgetedPlace extends Slot {
  token: string;
  probe: boolean;
  budgetId: string;
  resumed: boolean;
}

export interface ClaimWithinBudgetsDependencies<P extends BudgetedPlace> {
  database: Database;
  directory: Directory;
  probes: ReturnType<typeof createAskForProbes>;
  clock: Clock;
  leaseMs: number;
  claimsFor: (places: readonly P[]) => object[];
  /** How long a reserved slot is certainly kept. */
  keptMs: number;
  /** Told of reached budgets under which work was found that must not wait. */
  onStopped: (budgetIds: readonly string[]) => void;
}

export interface ClaimedWithin<P> {
  reserved: readonly P[];
  claimed: ClaimedTask[];
  /** Tasks that were taken out of the ready order. */
  held: number;
  probed: BreakerRow[];
  outdated: boolean;
  /** Until when the slots are certainly kept for the claim. */
  keptUntil: number;
}

/**
 * Leases tasks that are under budgets, as far as these have room, and takes the others out of the ready order so that
 * they stand in nobody's way. All of it under the lock of the budgets: what is leased was within each of them.
 */
export function createClaimWithinBudgets<P extends BudgetedPlace>(deps: ClaimWithinBudgetsDependencies<P>) {
  const { database, directory, probes, clock, leaseMs, claimsFor } = deps;

  async function divide(tx: Queryable, places: readonly P[], ids: readonly string[]): Promise<Allotment<P>> {
    await tx.query(lockBudgets, [ids]);
    const budgets = await tx.query(readPaths, [ids]);
    const limited = budgets.filter((budget) => budget.concurrency_limit !== null).map(({ id }) => id);
    const counts = limited.length === 0 ? [] : await tx.query(countActive, [limited]);
    const byId = new Map(budgets.map((budget) => [budget.id, budget]));
    return allot(places, byId, new Map(counts.map((row) => [row.id, row.active])), clock.now());
  }

  async function lease(tx: Queryable, places: readonly P[]): Promise<Omit<ClaimedWithin<P>, "held">> {
    const { allowed, begun, refused: outdated } = await probes.ask(tx, places);
    const keptUntil = clock.now() + deps.keptMs;
    const granted = allowed.length === 0 ? [] : await directory.reserve(allowed);
    const reserved = allowed.filter((_, index) => granted[index]);
    const claims = [JSON.stringify(claimsFor(reserved)), clock.now(), leaseMs];
    const claimed = reserved.length === 0 ? [] : await tx.query(claim, claims);
    return { reserved, claimed, probed: await probes.keep(tx, begun, claimed), outdated, keptUntil };
  }

  return async function claimWithinBudgets(places: readonly P[]): Promise<ClaimedWithin<P>> {
    const ids = [...new Set(places.map((place) => place.budgetId))];
    const { stopped, ...result } = await database.transaction(async (tx) => {
      const { allowed, held, stopped } = await divide(tx, places, ids);
      const leased = await lease(tx, allowed);
      const heldIds = held.map((place) => place.taskId);
      const put = held.length === 0 ? [] : await tx.query(holdTasks, [heldIds, ids]);
      if (stopped.size > 0) await tx.query(remindBudgets, [[...stopped]]);
      return { ...leased, held: put.length, stopped };
    });
    if (stopped.size > 0) deps.onStopped([...stopped]);
    return result;
  };
}
