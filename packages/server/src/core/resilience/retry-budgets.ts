import { defaultRetryBudget } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Metrics } from "../../ports/metrics.ts";
import type { Announce } from "../aftermath.ts";
import { parseRoute } from "../queue/route.ts";
import {
  type BudgetKey,
  type BudgetRow,
  dueBudgets,
  holdRetries,
  lockBudgets,
  lockKnownBudgets,
  passRetries,
  writeBudgets,
} from "../queue/statements/retry-budgets.ts";
import {
  available,
  type BudgetState,
  budgetAt,
  credit,
  fullBudget,
  nextRetryAt,
  withdraw,
} from "./retry-budget.ts";

/** Tasks and budgets moved on by one statement. */
const batch = 500;
/** Retries that wait are not looked at more often, however many a minute are allowed. */
const breathMs = 100;
/** Routes whose completed tasks are counted between two credits; beyond it they earn nothing. */
const mostRoutes = 10_000;

export interface RetryBudgetDependencies {
  database: Database;
  clock: Clock;
  announce: Announce;
  metrics?: Metrics;
}

const nameOf = ({ tenant, capability }: BudgetKey): string => `${tenant}|${capability}`;

/**
 * Keeps the retries of a capability within its budget, over all nodes: a retry goes into the ready order when its
 * time has come and the budget has something left, and otherwise waits for the budget. What is completed earns more;
 * each node counts that in memory and writes it down from time to time, so that a completed task costs nothing here.
 */
export function createRetryBudgets({ database, clock, announce, metrics }: RetryBudgetDependencies) {
  let completed = new Map<string, number>();

  /** Lets through what may go now, and makes the rest wait. True: there may be more. */
  async function passSome(now: number): Promise<boolean> {
    const due = await database.query(dueBudgets, [now, batch]);
    if (due.length === 0) return false;
    const { passed, ready, dueAt } = await database.transaction(async (tx) => {
      const rows = await tx.query(lockBudgets, [JSON.stringify(due), now, defaultRetryBudget.perMinute]);
      const states = rows.map((row) => ({ row, state: budgetAt(row, fullBudget(row.budget), now) }));
      const open = states.map(({ row, state }) => ({
        ...keyOf(row),
        most: Math.min(batch, available(state)),
      }));
      const passed = await tx.query(passRetries, [JSON.stringify(open.filter(({ most }) => most > 0)), now]);
      const held = await tx.query(holdRetries, [JSON.stringify(rows.map(keyOf)), now, batch]);
      const waiting = new Set(held.filter((row) => row.waiting).map(nameOf));
      const written = states.map(({ row, state }) => {
        const gone = passed.filter((task) => nameOf(task) === nameOf(row)).length;
        return rowOf(row, withdraw(state, gone), waiting.has(nameOf(row)), now);
      });
      await tx.query(writeBudgets, [JSON.stringify(written), now]);
      return { passed, ready: passed.map((task) => task.route), dueAt: earliest(written) };
    });
    for (const { capability } of passed) metrics?.count("muster_retries", { capability });
    announce({ ready, ...(dueAt === null ? {} : { dueAt }) });
    return ready.length > 0 || due.length >= batch;
  }

  return {
    /** A task of this route was completed. */
    completed(tenant: string, route: string): void {
      const name = `${tenant}|${route}`;
      const known = completed.get(name);
      if (known !== undefined || completed.size < mostRoutes) completed.set(name, (known ?? 0) + 1);
    },
    /** For upkeep: lets every retry through that may go now. */
    async pass(now: number): Promise<void> {
      while (await passSome(now));
    },
    /** Writes down what was completed here, where it is of use to anybody. */
    async credit(): Promise<void> {
      if (completed.size === 0) return;
      const counts = countPerCapability(completed);
      completed = new Map();
      const now = clock.now();
      const dueAt = await database.transaction(async (tx) => {
        const rows = await tx.query(lockKnownBudgets, [JSON.stringify([...counts.values()])]);
        if (rows.length === 0) return null;
        const written = rows.map((row) => {
          const budget = fullBudget(row.budget);
          const earned = credit(budgetAt(row, budget, now), budget, counts.get(nameOf(row))?.count ?? 0);
          return rowOf(row, earned, row.due_at !== null, now);
        });
        await tx.query(writeBudgets, [JSON.stringify(written), now]);
        return earliest(written);
      });
      if (dueAt !== null) announce({ dueAt });
    },
  };
}

export type RetryBudgets = ReturnType<typeof createRetryBudgets>;

const keyOf = ({ tenant, capability }: BudgetKey): BudgetKey => ({ tenant, capability });

function rowOf(row: BudgetRow, state: BudgetState, waiting: boolean, now: number) {
  const next =
    available(state) > 0 ? now : Math.max(nextRetryAt(state, fullBudget(row.budget)), now + breathMs);
  return { ...keyOf(row), ...state, due_at: waiting ? next : null };
}

function earliest(rows: readonly { due_at: number | null }[]): number | null {
  const times = rows.flatMap((row) => row.due_at ?? []);
  return times.length === 0 ? null : Math.min(...times);
}

function countPerCapability(completed: ReadonlyMap<string, number>) {
  const counts = new Map<string, BudgetKey & { count: number }>();
  for (const [name, count] of completed) {
    const at = name.indexOf("|");
    const { capability } = parseRoute(name.slice(at + 1));
    if (capability === null) continue;
    const key = { tenant: name.slice(0, at), capability };
    const known = counts.get(nameOf(key));
    if (known === undefined) counts.set(nameOf(key), { ...key, count });
    else known.count += count;
  }
  return counts;
}
