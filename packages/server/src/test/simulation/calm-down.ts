import type { BudgetLimits } from "@muster/sdk/protocol";
import type { Statement } from "../../ports/database.ts";
import { root } from "../orchestrate.ts";
import { checkMoment } from "./check-moment.ts";
import { checkHistory, findOpen } from "./checks.ts";
import { tenants } from "./clients.ts";
import type { Crew } from "./crew.ts";
import { noFaults } from "./faults.ts";
import { startSdkAgent } from "./sdk-agent.ts";
import { roomFor } from "./spending.ts";
import { nodesUp } from "./wire.ts";
import type { World } from "./world.ts";

/** Longest time that everything may take to end once faults have stopped. */
const patienceMs = 15 * 60_000;
const calmStepMs = 1_000;
/** For the last events to reach their subscribers. */
const quietMs = 12_000;
const minuteMs = 60_000;
/** What a paused budget gets more of everything. */
const plenty = 10_000;

/** Budgets that stand still while what they cover has not ended. */
const pausedBudgets: Statement<{ run_id: string | null; task_id: string | null; limits: BudgetLimits }> = {
  name: "sim_paused_budgets",
  text: `
select b.run_id, b.task_id, json_strip_nulls(json_build_object('moneyMicros', b.money_limit, 'tokens', b.token_limit,
  'timeMs', b.time_ms, 'tasks', b.task_limit)) as limits
from budget b left join task t on t.id = b.task_id left join run r on r.id = b.run_id
where b.reached is not null and b.on_reached = 'pause'
  and case when b.task_id is null then r.ended_at else t.ended_at end is null
order by b.id`,
};

/** Faults stop, good agents come, paused budgets are raised, and everything must end. */
export async function calmDown(world: World, crew: Crew): Promise<void> {
  world.note("faults stop");
  Object.assign(world.faults, noFaults);
  crew.allStart();
  crew.killAll();
  for (const [place, tenant] of [...tenants, "*"].entries()) startSdkAgent(world, `good-${place}`, tenant, 8);
  const calmAt = world.clock.now();
  const calmMs = () => world.clock.now() - calmAt;
  do {
    // A node that failed to start is started again.
    crew.allStart();
    await raisePaused(world);
    await world.clock.advance(calmStepMs);
    await checkMoment(world, calmMs());
  } while (world.violations.length === 0 && calmMs() < patienceMs && !(await isStill(world)));
  if (world.violations.length > 0) return;
  await world.clock.advance(quietMs);
  await checkHistory(world);
}

/** Everything has ended, and no schedule begins anew before the end of the world. */
async function isStill(world: World): Promise<boolean> {
  const untilMinuteMs = minuteMs - (world.clock.now() % minuteMs);
  return untilMinuteMs > quietMs + calmStepMs && (await findOpen(world)).length === 0;
}

async function raisePaused(world: World): Promise<void> {
  const [node] = nodesUp(world);
  if (node === undefined) return;
  const { runs, tasks } = node.orchestrator;
  for (const { run_id, task_id, limits } of await world.database.query(pausedBudgets)) {
    const add = roomFor(limits, plenty);
    const raised =
      task_id === null ? runs.resume(run_id!, { add }, root) : tasks.resume(task_id, { add }, root);
    raised.catch((error: Error) => world.note(`not raised: ${error.message}`));
  }
}
