import type { ScheduleRequest, TaskSubmission } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Queryable } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Aftermath } from "../aftermath.ts";
import { planTasks } from "../intake/plan-tasks.ts";
import type { Submit } from "../intake/submit-tasks.ts";
import type { ScheduleRow } from "../queue/statements/schedules.ts";
import { prepareRun, startWithin } from "../runs/start-run.ts";

export interface StartDependencies {
  clock: Clock;
  ids: Ids;
  submit: Submit;
}

/** What a schedule keeps of its request. */
export type ScheduledWork = Pick<ScheduleRequest, "task" | "run">;

export interface StartedWork {
  id: string;
  effects: Aftermath[];
}

/** Hands in the work of a schedule, inside the caller's transaction. */
export async function startScheduled(
  deps: StartDependencies,
  tx: Queryable,
  { tenant, document }: Pick<ScheduleRow, "tenant" | "document">,
): Promise<StartedWork> {
  const { task, run } = document as ScheduledWork;
  if (run !== undefined) {
    const id = deps.ids.next();
    return { id, effects: await startWithin(deps, tx, prepareRun(run), { id, tenant }) };
  }
  const origin = { tenant };
  const plan = planTasks([task as TaskSubmission], origin, deps.clock.now(), deps.ids);
  const { effects } = await deps.submit.submitWithin(tx, plan, origin);
  return { id: plan.tasks[0]?.id as string, effects };
}
