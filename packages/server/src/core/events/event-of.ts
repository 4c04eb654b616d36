import type { Event, EventType } from "@muster/sdk/protocol";
import type { EventRow } from "../queue/statements/events.ts";
import { isoTime } from "../task-view.ts";

/** An event as others see it. */
export const eventOf = (row: EventRow): Event => ({
  seq: row.seq,
  at: isoTime(row.at),
  type: row.type as EventType,
  taskId: row.task_id,
  runId: row.run_id,
  agentId: row.agent_id,
  tenant: row.tenant,
  data: row.data,
});
