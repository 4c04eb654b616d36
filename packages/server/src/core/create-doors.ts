import { createCapabilitySchemas } from "./discovery/capability-schemas.ts";
import { createAgentGateway } from "./gateway/agent-gateway.ts";
import { createBusDoor } from "./gateway/bus-door.ts";
import { createMail } from "./gateway/mail.ts";
import { createOperations } from "./gateway/operations.ts";
import { createSubTasks } from "./gateway/sub-tasks.ts";
import { createKeyService } from "./keys/key-service.ts";
import { createScheduleService } from "./schedules/schedule-service.ts";
import { createStateService } from "./state/state-service.ts";
import { createStateSnapshots } from "./state-snapshots/state-snapshots.ts";
import { createTriggerService } from "./triggers/trigger-service.ts";

type DoorDependencies = Omit<
  Parameters<typeof createOperations>[0],
  "schemas" | "mail" | "subTasks" | "state"
> &
  Omit<Parameters<typeof createAgentGateway>[0], "schemas" | "operations"> &
  Parameters<typeof createSubTasks>[0] &
  Parameters<typeof createStateService>[0] &
  Omit<Parameters<typeof createStateSnapshots>[0], "state"> &
  Parameters<typeof createKeyService>[0];

/** What agents come in by, and what they may do then. */
export function createDoors(deps: DoorDependencies) {
  const schemas = createCapabilitySchemas();
  const mail = createMail(deps);
  const subTasks = createSubTasks(deps);
  const state = createStateService(deps);
  const operations = createOperations({ ...deps, schemas, mail, subTasks, state });
  const door = createAgentGateway({ ...deps, schemas, operations });
  const keys = createKeyService(deps);
  return {
    schemas,
    door,
    kept: {
      keys,
      state,
      stateSnapshots: createStateSnapshots({ ...deps, state }),
      schedules: createScheduleService(deps),
      triggers: createTriggerService(deps),
    },
    busDoor: createBusDoor({ ...deps, gateway: door.gateway, keys }),
  };
}

export type Doors = ReturnType<typeof createDoors>;
