import type { Agent } from "@muster/sdk/protocol";
import type { PersonRow } from "../queue/statements/people.ts";
import { isoTime } from "../task-view.ts";
import { isAtWork } from "./working-hours.ts";

/** A person among the agents. Nothing is ever sent to one, so that there is no load and nothing to be unwell. */
export const personAsAgent = (row: PersonRow, now: number): Agent => ({
  id: row.id,
  name: row.name,
  type: "human",
  description: row.description,
  capabilities: row.capabilities,
  status: isAtWork(row.hours, now) ? "available" : "offline",
  load: 0,
  maxConcurrency: 1,
  healthScore: 1,
  breaker: "closed",
  lastSeen: isoTime(row.registered_at),
  metadata: row.hours === null ? {} : { hours: row.hours },
});
