import type { TriggerRequest } from "@muster/sdk/protocol";
import type { Principal } from "../../core/orchestrator.ts";
import { limitsOf } from "./handlers.ts";
import type { CallNode } from "./schedulers.ts";
import { triggeredCapability } from "./workflows.ts";
import type { World } from "./world.ts";

/** People who have work done when something happens, and who change their minds. */
export function createTriggerers(
  world: World,
  call: CallNode,
  principalOf: (tenant: string) => Principal,
  tenants: readonly string[],
) {
  const { chance, promises, note } = world;
  const made: { name: string; tenant: string }[] = [];

  async function trigger(): Promise<void> {
    const tenant = chance.pick(tenants);
    const name = `trigger-${made.length}`;
    const types = chance.pick([
      ["task.failed"],
      ["task.cancelled"],
      ["task.failed", "task.cancelled"],
    ] as const);
    made.push({ name, tenant });
    const request: TriggerRequest = {
      name,
      on: { types: [...types] },
      // Some have to wait for the next minute, and what follows from their own work is left out in the end.
      maxPerMinute: chance.pick([4, 60]),
      maxDepth: chance.int(1, 2),
      task: { capability: triggeredCapability, input: {}, ...limitsOf(world) },
    };
    await call((o) => o.triggers.create(request, principalOf(tenant)));
    note(`made ${name} on ${types.join(", ")} of ${tenant}`);
  }

  async function changeTrigger(): Promise<void> {
    if (made.length === 0) return;
    const { name, tenant } = chance.pick(made);
    const how = chance.weighted({ pause: 2, resume: 2, delete: 1 });
    // Whatever becomes of the call, it may have been done.
    promises.touchedTriggers.add(name);
    await call((o) => o.triggers[how](name, principalOf(tenant)));
    note(`${how} of ${name}`);
  }

  return { trigger, changeTrigger };
}
