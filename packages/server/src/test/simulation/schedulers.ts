import type { ScheduleRequest } from "@muster/sdk/protocol";
import type { Orchestrator, Principal } from "../../core/orchestrator.ts";
import { limitsOf } from "./handlers.ts";
import { scheduledCapability, scheduledWorkflow } from "./workflows.ts";
import type { World } from "./world.ts";

export type CallNode = <T>(work: (orchestrator: Orchestrator) => Promise<T>) => Promise<T>;

/** How far ahead a single moment is at most; behind the end of most worlds' faults. */
const mostAheadMs = 25_000;

interface Made {
  name: string;
  tenant: string;
}

/** People who have work done at certain times, and who change their minds. */
export function createSchedulers(
  world: World,
  call: CallNode,
  principalOf: (tenant: string) => Principal,
  tenants: readonly string[],
) {
  const { chance, clock, promises, note } = world;
  const made: Made[] = [];

  function workOf(): Pick<ScheduleRequest, "task" | "run"> {
    if (chance.is(0.3)) return { run: { workflow: scheduledWorkflow } };
    return { task: { capability: scheduledCapability, input: {}, ...limitsOf(world) } };
  }

  async function schedule(): Promise<void> {
    const tenant = chance.pick(tenants);
    const name = `schedule-${made.length}`;
    const at = chance.is(0.6) ? clock.now() + chance.int(100, mostAheadMs) : null;
    made.push({ name, tenant });
    promises.schedules.set(name, { at, touched: false });
    const request: ScheduleRequest = {
      name,
      ...(at === null ? { cron: "* * * * *" } : { at: new Date(at).toISOString() }),
      missed: chance.pick(["skip", "run-once", "run-all"] as const),
      overlap: chance.pick(["allow", "skip", "queue"] as const),
      ...workOf(),
    };
    await call((o) => o.schedules.create(request, principalOf(tenant)));
    note(`made ${name} for ${at === null ? "every minute" : new Date(at).toISOString()}`);
  }

  async function changeSchedule(): Promise<void> {
    if (made.length === 0) return;
    const { name, tenant } = chance.pick(made);
    const how = chance.weighted({ pause: 2, resume: 2, run: 2, delete: 1 });
    // Whatever becomes of the call, it may have been done.
    promises.schedules.get(name)!.touched = true;
    await call((o) => o.schedules[how](name, principalOf(tenant)) as Promise<unknown>);
    note(`${how} of ${name}`);
  }

  return { schedule, changeSchedule };
}
