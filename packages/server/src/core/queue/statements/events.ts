import type { Statement } from "../../../ports/database.ts";

export interface EventRow {
  seq: number;
  at: number;
  type: string;
  task_id: string | null;
  run_id: string | null;
  agent_id: string | null;
  tenant: string;
  data: Record<string, unknown>;
}

/** $1 after, $2 tenant (*: all), $3 task, $4 run, $5 types, $6 how many. */
export const readEvents: Statement<EventRow> = {
  name: "read_events",
  text: `
select seq, at, type, task_id, run_id, agent_id, tenant, data from event
where seq > $1 and ($2 = '*' or tenant = $2 or tenant = '*') and ($3::uuid is null or task_id = $3::uuid)
  and ($4::uuid is null or run_id = $4::uuid) and ($5::text[] is null or type = any ($5::text[]))
order by seq limit $6`,
};

export const latestEvent: Statement<{ seq: number }> = {
  name: "latest_event",
  text: `select coalesce(max(seq), 0) as seq from event`,
};
