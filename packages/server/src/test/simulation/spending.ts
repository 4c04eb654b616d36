import type { TaskContext } from "@muster/sdk";
import type { Budget, BudgetLimits } from "@muster/sdk/protocol";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { World } from "./world.ts";

/** The most that one call of a simulation costs, in money and in tokens. */
export const mostCost = 40;
const mostCalls = 3;
const mostCallMs = 2_500;

/** A call that an agent really made, whatever the store knows of it. */
export interface Call {
  taskId: string;
  /** The most that it can cost while it is under way; afterwards what it did cost. */
  cost: number;
}

/** Input of a task that spends. */
export interface PayInput {
  /** False: says what it spent only afterwards. */
  asks?: boolean;
}

/** Spends in some calls, mostly asking before each; a call may fail on the way, and then counts in full. */
export function createPay({ chance, faults, promises }: World, process: SimulatedProcess) {
  const pause = (ms: number) => new Promise<void>((resolve) => process.clock.setTimer(ms, resolve));

  async function call(context: TaskContext<PayInput>, key: string): Promise<void> {
    const most = chance.int(1, mostCost);
    const amounts = { moneyMicros: most, tokens: most };
    await context.withinBudget(key, amounts, async () => {
      const made: Call = { taskId: context.taskId, cost: most };
      promises.calls.push(made);
      await pause(chance.int(1, mostCallMs));
      if (chance.is(faults.workFails)) throw new Error("bad luck in a call");
      made.cost = chance.int(0, most);
      return { value: null, used: { moneyMicros: made.cost, tokens: made.cost } };
    });
  }

  async function spree(context: TaskContext<PayInput>, key: string): Promise<boolean> {
    await pause(chance.int(1, mostCallMs));
    const cost = chance.int(1, mostCost);
    const { reached } = await context.spend(key, { moneyMicros: cost, tokens: cost });
    return reached !== null;
  }

  return async function pay(context: TaskContext<PayInput>): Promise<number> {
    const calls = chance.int(1, mostCalls);
    for (let nth = 0; nth < calls; nth++) {
      const key = `call ${nth} of attempt ${context.attempt}`;
      if (context.input.asks === false) {
        if (await spree(context, key)) break;
      } else await call(context, key);
    }
    return calls;
  };
}

/** A budget that bounds some things, tightly enough that it is often reached. */
export function someBudget({ chance }: World): Budget {
  return {
    ...(chance.is(0.6) ? { moneyMicros: chance.int(20, 250) } : {}),
    ...(chance.is(0.2) ? { tokens: chance.int(20, 250) } : {}),
    ...(chance.is(0.15) ? { timeMs: chance.int(4_000, 25_000) } : {}),
    ...(chance.is(0.3) ? { tasks: chance.int(1, 8) } : {}),
    ...(chance.is(0.2) ? { depth: chance.int(0, 2) } : {}),
    ...(chance.is(0.3) ? { concurrency: chance.int(1, 3) } : { concurrency: 50 }),
    onReached: chance.pick(["fail", "pause", "pause", "skip-rest"] as const),
  };
}

/** A budget for a sub-task: mostly below that of its parent. */
export const smallBudget = ({ chance }: World): Budget => ({
  moneyMicros: chance.int(10, 60),
  onReached: chance.pick(["fail", "pause", "skip-rest"] as const),
});

/** What makes room in a budget that was reached: more of everything that it bounds. */
export const roomFor = (limits: BudgetLimits, more: number): BudgetLimits =>
  Object.fromEntries(
    Object.keys(limits)
      .filter((key) => key !== "depth" && key !== "concurrency")
      .map((key) => [key, key === "timeMs" ? more * 200 : more]),
  );
