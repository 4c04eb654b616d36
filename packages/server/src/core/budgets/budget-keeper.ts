import type { Clock } from "../../ports/clock.ts";
import type { Database, Queryable } from "../../ports/database.ts";
import type { Log } from "../../ports/log.ts";
import type { Aftermath, Announce } from "../aftermath.ts";
import { cascade, type End } from "../completion/cascade.ts";
import {
  type BudgetRow,
  findHolding,
  findPaused,
  findTimedOut,
  findUnfinished,
  forgetTime,
  lockBudgets,
  markReached,
  noteTold,
  readBudgets,
  settleBudgets,
} from "../queue/statements/budgets.ts";
import { restOfTask } from "../queue/statements/held-tasks.ts";
import { reachedError } from "./describe-budget.ts";
import { releaseWithin } from "./release-held.ts";

export interface BudgetKeeperDependencies {
  database: Database;
  clock: Clock;
  log: Log;
  announce: Announce;
  /** Moves runs on, which heeds their own budgets. */
  advanceRuns: (runIds: readonly string[]) => void;
}

/** A budget and what it belongs to. */
export interface Owned {
  id: string;
  run_id: string | null;
  task_id: string | null;
}

/** An attempt, by its task and its lease. */
export interface Told {
  taskId: string;
  token: string;
}

/** Rows looked at by one statement. */
const batch = 200;

/**
 * Does what follows from budgets being reached, and lets held tasks in where there is room again. Each is said by
 * whoever caused it, after the commit; what a crash forgets stands in the rows, where upkeep finds it.
 */
export function createBudgetKeeper(deps: BudgetKeeperDependencies) {
  const { database, clock, log, announce } = deps;
  const roomy = new Set<string>();
  let releasing: Promise<void> | null = null;
  let stopped = false;

  /** A run's own budget is heeded by the run; what a task stands under, here. */
  function follow(budgets: readonly Owned[]): void {
    announce({});
    const runs = budgets.flatMap(({ run_id, task_id }) =>
      run_id !== null && task_id === null ? [run_id] : [],
    );
    if (runs.length > 0) deps.advanceRuns(runs);
    for (const { id, task_id } of budgets) if (task_id !== null) void heed(id);
  }

  async function heed(id: string): Promise<void> {
    try {
      const effects = await database.transaction((tx) => heedWithin(tx, id));
      for (const effect of effects) announce(effect);
    } catch (error) {
      log.warn({ error, budgetId: id }, "A reached budget was not heeded; upkeep will try again.");
    }
  }

  async function heedWithin(tx: Queryable, id: string): Promise<Aftermath[]> {
    await tx.query(lockBudgets, [[id]]);
    const [budget] = await tx.query(readBudgets, [[id]]);
    if (budget?.due !== true) return [];
    const ends = await endsUnder(tx, budget);
    const effects = ends.length === 0 ? [] : [(await cascade(tx, ends, clock.now())).aftermath];
    await tx.query(settleBudgets, [[id]]);
    return effects;
  }

  async function endsUnder(tx: Queryable, budget: BudgetRow): Promise<End[]> {
    const error = reachedError(budget);
    const taskId = budget.task_id as string;
    if (budget.on_reached === "pause") return [];
    if (budget.on_reached === "fail") return [{ id: taskId, status: "failed", error }];
    const rest = await tx.query(restOfTask, [taskId, budget.reached === "time"]);
    return rest.map(({ id }) => ({ id, status: "cancelled", error }));
  }

  /** There may be room under these budgets: lets in what they hold back. */
  function release(budgetIds: readonly string[]): void {
    for (const id of budgetIds) roomy.add(id);
    if (roomy.size === 0 || stopped) return;
    releasing ??= releaseAll().finally(() => {
      releasing = null;
      release([]);
    });
  }

  async function releaseAll(): Promise<void> {
    const ids = [...roomy];
    roomy.clear();
    try {
      const roots = (await database.query(findHolding, [ids])).map((row) => row.id);
      for (let more = roots.length > 0; more; ) {
        const released = await database.transaction((tx) => releaseWithin(tx, roots, clock.now()));
        if (released.routes.length > 0) announce({ ready: released.routes });
        more = released.more;
      }
    } catch (error) {
      log.warn({ error }, "Tasks are held back longer than they need to be; upkeep will let them in.");
    }
  }

  async function endTimes(now: number): Promise<void> {
    for (;;) {
      const found = await database.query(findTimedOut, [now, batch]);
      const over = found.filter((budget) => budget.over).map(({ id }) => id);
      if (over.length > 0) await database.query(forgetTime, [over, now]);
      const ids = found.filter((budget) => !budget.over).map(({ id }) => id);
      await reach(ids, "time");
      if (found.length < batch) return;
    }
  }

  /** Marks budgets as reached, and does what follows. `told`: the attempt that hears of it. */
  async function reach(ids: readonly string[], kind: "time" | "tasks", told?: Told): Promise<void> {
    if (ids.length === 0) return;
    const marks = JSON.stringify(ids.map((id) => ({ id, kind })));
    const reached = await database.transaction(async (tx) => {
      await tx.query(lockBudgets, [ids]);
      const marked = await tx.query(markReached, [marks, clock.now()]);
      if (told !== undefined && (await tx.query(findPaused, [ids])).length > 0)
        await tx.query(noteTold, [[told.taskId], [told.token]]);
      return marked;
    });
    follow(reached);
  }

  return {
    follow,
    release,
    reach,
    /** Work was found under reached budgets that must not wait. */
    lookAgain(ids: readonly string[]): void {
      database
        .query(readBudgets, [ids])
        .then(follow)
        .catch((error: unknown) => log.warn({ error }, "Reached budgets were not looked at; upkeep will."));
    },
    endTimes,
    /** What a crash left undone. */
    async catchUp(): Promise<void> {
      const found = await database.query(findUnfinished, [batch]);
      follow(found.filter((budget) => budget.due));
      release(found.filter((budget) => !budget.due).map(({ id }) => id));
    },
    async stop(): Promise<void> {
      stopped = true;
      await releasing;
    },
  };
}
