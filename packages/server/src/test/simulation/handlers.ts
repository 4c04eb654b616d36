import type { CapabilityDefinition, TaskContext, TaskSubmission } from "@muster/sdk";
import { isFinal } from "@muster/sdk/protocol";
import { never, type SimulatedProcess } from "./simulated-process.ts";
import { createPay, type PayInput, smallBudget } from "./spending.ts";
import { scheduledCapability, triggeredCapability } from "./workflows.ts";
import type { World } from "./world.ts";

/** Levels of delegation in a simulation. */
const deepest = 3;
/** Steps of a handler with steps. */
const mostSteps = 3;
/** Longest that a handler works on one thing, well below and above a lease. */
const mostWorkMs = 4_000;
const longWorkMs = 14_000;

/** Input of every task of a simulation. */
export interface WorkInput extends PayInput {
  depth?: number;
}

/** What agents made with the SDK can do: plain work, work in journaled steps, and handing work on. */
export function createHandlers(world: World, process: SimulatedProcess): CapabilityDefinition<WorkInput>[] {
  const { chance, faults, promises } = world;

  const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = process.clock.setTimer(ms, resolve);
      signal?.addEventListener("abort", () => {
        timer.cancel();
        reject(signal.reason);
      });
    });

  /** Takes its time; heeds its signal or not; fails, fails for good or hangs. */
  async function labour(context: TaskContext<WorkInput>): Promise<void> {
    const heedsSignal = chance.is(0.7);
    const ms = chance.is(0.1) ? chance.int(mostWorkMs, longWorkMs) : chance.int(1, mostWorkMs);
    if (chance.is(0.3)) context.progress(0.5, "half way");
    await pause(ms, heedsSignal ? context.signal : undefined);
    if (chance.is(0.1)) context.log("info", "at work");
    if (chance.is(faults.workHangs)) await never();
    if (chance.is(faults.workFailsForGood)) throw Object.assign(new Error("no way"), { retryable: false });
    if (chance.is(faults.workFails)) throw new Error("bad luck");
  }

  async function inSteps(context: TaskContext<WorkInput>): Promise<number> {
    for (let step = 0; step < mostSteps; step++) {
      const name = `${context.taskId} step ${step}`;
      await context.step(`step ${step}`, async () => {
        // A frozen attempt that was overtaken by a later one can't know it yet, and nothing it does is accepted.
        if ((promises.steps.get(name) ?? Number.POSITIVE_INFINITY) <= context.attempt) {
          world.violate({ rule: "steps once", detail: `did step ${step} again`, taskIds: [context.taskId] });
        }
        await pause(chance.int(1, 800), context.signal);
        if (chance.is(faults.workFails / 2)) throw new Error("bad luck in a step");
        return step;
      });
      promises.steps.set(name, context.attempt);
    }
    return mostSteps;
  }

  async function handOn(context: TaskContext<WorkInput>): Promise<unknown> {
    const depth = context.input.depth ?? 0;
    // Journaled, so that every attempt hands on the same.
    const plan = await context.step("plan", () => ({ way: chance.int(0, 2), many: chance.int(1, 4) }));
    const capability = () =>
      depth + 1 < deepest && chance.is(0.25) ? "hand-on" : chance.pick(["work", "steps", "pay"]);
    const child = (): TaskSubmission => ({
      capability: capability(),
      input: { depth: depth + 1 },
      ...limitsOf(world),
      ...(chance.is(0.15) ? { budget: smallBudget(world) } : {}),
    });
    if (plan.way === 0) return context.delegate("work", { depth: depth + 1 }, limitsOf(world));
    const together = context.delegateAll(
      Array.from({ length: plan.many }, (_, place) => ({
        ...child(),
        ref: `child ${place}`,
        ...(place > 0 && chance.is(0.3)
          ? { dependsOn: [`child ${place - 1}`], join: "settled" as const }
          : {}),
      })),
    );
    const alone = plan.way === 2 ? context.delegate("work", { depth: depth + 1 }, limitsOf(world)) : null;
    const results = await together;
    if (results.length !== plan.many || !results.every((result) => isFinal(result.status))) {
      const detail = `got ${results.map((result) => result.status)} from ${plan.many} sub-tasks`;
      world.violate({ rule: "a join fires once all have ended", detail, taskIds: [context.taskId] });
    }
    await labour(context);
    await alone;
    return results.length;
  }

  /** Under one lock, sometimes under two, in any order; or takes one and leaves it behind. */
  async function underLock(context: TaskContext<WorkInput>): Promise<number> {
    const name = () => `lock-${chance.int(0, 2)}`;
    if (chance.is(0.2)) {
      const lock = await context.locks.acquire(name(), { ttlMs: 600_000, waitMs: chance.int(0, 4_000) });
      await labour(context);
      return lock?.fence ?? 0;
    }
    const options = { ttlMs: chance.int(2_000, 8_000), waitMs: 20_000 };
    return context.lock(name(), options, async ({ fence }) => {
      if (chance.is(0.3)) await context.lock(name(), options, () => labour(context));
      else await labour(context);
      return fence;
    });
  }

  return [
    { name: "locked", handler: underLock },
    { name: "pay", handler: createPay(world, process) },
    { name: scheduledCapability, handler: labour },
    { name: triggeredCapability, handler: labour },
    { name: "work", handler: async (context) => labour(context).then(() => context.taskId) },
    { name: "steps", handler: inSteps },
    { name: "hand-on", handler: handOn },
  ];
}

/** How often and how long a task may be tried: short enough that the simulation sees the end of it. */
export function limitsOf({ chance }: World): Pick<TaskSubmission, "retry" | "timeoutMs"> {
  return {
    retry: { maxAttempts: chance.int(1, 4), delayMs: chance.int(100, 2_000), maxDelayMs: 8_000 },
    timeoutMs: chance.int(8_000, 40_000),
  };
}
