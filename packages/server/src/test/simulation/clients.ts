import { createLockHands } from "@muster/sdk";
import { MusterError, type TaskStatus, type TaskSubmission } from "@muster/sdk/protocol";
import type { Orchestrator, Principal } from "../../core/orchestrator.ts";
import { someone } from "../orchestrate.ts";
import { limitsOf } from "./handlers.ts";
import { createPayers } from "./payers.ts";
import { readLatest } from "./read-log.ts";
import { createSchedulers } from "./schedulers.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import { someBudget } from "./spending.ts";
import { createTriggerers } from "./triggerers.ts";
import { callNode } from "./wire.ts";
import { workflows } from "./workflows.ts";
import type { World } from "./world.ts";

export const tenants = ["red", "blue"] as const;

/** Times that a client repeats a call that was lost. */
const mostTries = 8;
const mostBatch = 6;
/** How far back clients look for a task to depend on or to change. */
const recent = 40;

/**
 * The people and programs that hand in work. A submission carries idempotency keys and is repeated until it is
 * acknowledged; from then on it is a promise.
 */
export function createClients(world: World) {
  const { chance, promises, note, violate } = world;
  const process = new SimulatedProcess(world.clock);
  const known: Record<string, string[]> = { red: [], blue: [] };
  const knownRuns: Record<string, string[]> = { red: [], blue: [] };
  let keys = 0;

  const principalOf = (tenant: string): Principal => ({ ...someone, tenant });
  const call = <T>(work: (orchestrator: Orchestrator) => Promise<T>) => callNode(world, process, work);
  const pause = (ms: number) => new Promise<void>((resolve) => process.clock.setTimer(ms, resolve));
  const payers = createPayers(world, call, principalOf);
  const schedulers = createSchedulers(world, call, principalOf, tenants);
  const triggerers = createTriggerers(world, call, principalOf, tenants);

  async function persist<T>(work: (orchestrator: Orchestrator) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await call(work);
      } catch (error) {
        if (tries === mostTries || !(error instanceof MusterError && error.retryable)) throw error;
        await pause(300 * tries);
      }
    }
  }

  function plan(place: number, older: readonly string[]): TaskSubmission {
    const inside = place > 0 && chance.is(0.5) ? [`t${chance.int(0, place - 1)}`] : [];
    const outside = older.length > 0 && chance.is(0.3) ? [chance.pick(older.slice(-recent))] : [];
    const more = older.length > 0 && chance.is(0.15) ? [chance.pick(older.slice(-recent))] : [];
    return {
      ref: `t${place}`,
      capability: chance.weighted({ work: 5, steps: 2, "hand-on": 3, locked: 2, pay: 3 }),
      input: {},
      dependsOn: [...inside, ...outside, ...more],
      join: chance.pick(["all", "all", "settled", "any"] as const),
      priority: chance.pick(["critical", "high", "medium", "low", "background"] as const),
      idempotencyKey: `key ${keys++}`,
      ...limitsOf(world),
      ...(chance.is(0.15) ? { delayMs: chance.int(100, 5_000) } : {}),
      ...(chance.is(0.1) ? { deadlineMs: chance.int(2_000, 30_000) } : {}),
      ...(chance.is(0.2) ? { budget: someBudget(world) } : {}),
    };
  }

  async function submit(): Promise<void> {
    const tenant = chance.pick(tenants);
    const mine = known[tenant]!;
    const tasks = Array.from({ length: chance.int(1, mostBatch) }, (_, place) => plan(place, mine));
    const submitted = await persist((o) => o.tasks.submit(tasks, principalOf(tenant)));
    for (const [place, { id }] of submitted.entries()) {
      const { idempotencyKey, budget } = tasks[place]!;
      promises.tasks.set(idempotencyKey!, id);
      mine.push(id);
      if (budget !== undefined) payers.remember({ what: "tasks", id, tenant, budget });
    }
    note(`submitted for ${tenant}: ${submitted.map(({ id }) => id).join(", ")}`);
  }

  /** The same keys once more must give the same tasks. */
  async function submitAgain(): Promise<void> {
    if (promises.tasks.size === 0) return;
    const [idempotencyKey, id] = chance.pick([...promises.tasks]);
    const tenant = known.red!.includes(id) ? "red" : "blue";
    const task = { capability: "work", input: {}, idempotencyKey };
    const [again] = await call((o) => o.tasks.submit([task], principalOf(tenant)));
    if (again?.id !== id) violate({ rule: "one task per key", detail: `became ${again?.id}`, taskIds: [id] });
  }

  /**
   * Looks for a task in some state, as a person would before changing it; sub-tasks and tasks of runs are found too.
   * Sometimes takes any that it knows, which may have ended long ago.
   */
  async function findTask(tenant: string, statuses: readonly TaskStatus[]): Promise<string | undefined> {
    if (known[tenant]!.length > 0 && chance.is(0.3)) return chance.pick(known[tenant]!.slice(-recent));
    const filter = { status: chance.pick(statuses), limit: recent };
    const { items } = await call((o) => o.tasks.list(filter, principalOf(tenant)));
    return items.length === 0 ? undefined : chance.pick(items).id;
  }

  async function cancel(): Promise<void> {
    const tenant = chance.pick(tenants);
    const id = await findTask(tenant, ["blocked", "ready", "in_progress", "waiting", "waiting"]);
    if (id === undefined) return;
    await call(async (o) => {
      await o.tasks.cancel(id, principalOf(tenant));
      promises.cancels.push({ seq: await readLatest(world.database), taskId: id, runId: null });
    });
    note(`cancelled task ${id}`);
  }

  async function retry(): Promise<void> {
    const tenant = chance.pick(tenants);
    const id = await findTask(tenant, ["failed", "failed", "cancelled"]);
    if (id === undefined) return;
    await call((o) => o.tasks.retry(id, principalOf(tenant)));
    note(`retried task ${id}`);
  }

  async function startRun(): Promise<void> {
    const tenant = chance.pick(tenants);
    const inputs = { items: Array.from({ length: chance.int(0, 5) }, (_, n) => n) };
    const workflow = chance.pick(workflows);
    const budget = workflow.name === "spree" ? { ...someBudget(world), concurrency: 1 } : someBudget(world);
    const request = {
      workflow,
      inputs,
      idempotencyKey: `run ${keys++}`,
      ...(workflow.name === "spree" || chance.is(0.5) ? { budget } : {}),
    };
    const run = await persist((o) => o.runs.start(request, principalOf(tenant)));
    promises.runs.push(run.id);
    if (request.budget !== undefined) payers.remember({ what: "runs", id: run.id, tenant, budget });
    knownRuns[tenant]!.push(run.id);
    note(`run ${run.id} of ${run.workflow}`);
  }

  async function changeRun(what: "cancel" | "retry"): Promise<void> {
    const tenant = chance.pick(tenants);
    const mine = knownRuns[tenant]!.slice(-5);
    if (mine.length === 0) return;
    const id = chance.pick(mine);
    if (what === "retry") {
      await call((o) => o.runs.retry(id, principalOf(tenant)));
    } else {
      await call(async (o) => {
        await o.runs.cancel(id, principalOf(tenant));
        promises.cancels.push({ seq: await readLatest(world.database), taskId: null, runId: id });
      });
    }
    note(`${what} of run ${id}`);
  }

  /** Somebody begins to do something; it ends when it ends. */
  function begin(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!(error instanceof MusterError)) throw error;
      if (error.code === "internal")
        violate({ rule: "no internal errors", detail: error.message, taskIds: [] });
      note(`refused: ${error.code} ${error.message}`);
    });
  }

  /** A program that takes a lock for itself, keeps it for a while, and sometimes dies with it. */
  async function lock(): Promise<void> {
    const principal = principalOf(chance.pick(tenants));
    const hands = createLockHands(
      {
        acquire: (request) => call((o) => o.locks.of(principal).acquire(request)),
        renew: (request) => call((o) => o.locks.of(principal).renew(request)),
        release: (grant) => call((o) => o.locks.of(principal).release(grant)),
      },
      world.ids.next,
      process.clock,
    );
    const held = await hands.acquire(`lock-${chance.int(0, 2)}`, {
      // Some by far longer than the clocks of two nodes differ: only of these is it clear that they were not over.
      ttlMs: chance.int(1_000, 20_000),
      waitMs: chance.int(0, 8_000),
    });
    await pause(chance.int(1, 4_000));
    if (held !== null && chance.is(0.8)) await held.release();
  }

  const acts = {
    ...schedulers,
    ...triggerers,
    raise: payers.raise,
    lock,
    submit,
    submitAgain,
    cancel,
    retry,
    startRun,
    cancelRun: () => changeRun("cancel"),
    retryRun: () => changeRun("retry"),
  };
  return { act: (name: keyof typeof acts): void => begin(acts[name]()) };
}
