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

/** $1 after, $2 up to, $3 tenant (*: all), $4 task, $5 run, $6 types, $7 how many, $8 only changes of state in this project. */
export const readEvents: Statement<EventRow> = {
  name: "read_events",
  text: `
select seq, at, type, task_id, run_id, agent_id, tenant, data from event
where seq > $1 and seq <= $2 and ($3 = '*' or tenant = $3 or tenant = '*') and ($4::uuid is null or task_id = $4::uuid)
  and ($5::uuid is null or run_id = $5::uuid) and ($6::text[] is null or type = any ($6::text[]))
  and ($8::text is null or (type in ('state.written', 'state.deleted') and data->>'project' = $8))
order by seq limit $7`,
};

export interface EventEdge {
  /** The newest event that can be seen. */
  newest: number;
  /** The transactions of this database that may still add events with older numbers: all that are under way. */
  open: string[];
}

/**
 * Where the events end just now, and who may still write behind that end. A transaction holds a lock on its own number
 * from before it numbers its first event until after its events can be seen. A snapshot does not tell as much: its
 * `xmax` is behind the newest transaction that has ended, and newer ones may be under way already.
 */
export const eventEdge: Statement<EventEdge> = {
  name: "event_edge",
  text: `
select (select coalesce(max(seq), 0) from event) as newest, array(
  select l.transactionid::text from pg_locks l join pg_stat_get_activity(null) a on a.pid = l.pid
  where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted
    and a.datid = (select oid from pg_database where datname = current_database())
) as open`,
};
