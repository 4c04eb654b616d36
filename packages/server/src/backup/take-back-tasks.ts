import type { Database, Statement } from "../ports/database.ts";

const atOnce = 500;

/**
 * Tasks in the hands of agents at the moment of the backup: nobody holds them any more. That attempt is over, and its task
 * gets one more than it had left, so that a restore costs no task its last one; the next goes on from the journal.
 * $1 now, $2 how many.
 */
const takeBack: Statement<{ id: string }> = {
  name: "restore_take_back",
  text: `
with held as (
  select id, json_build_object('code', 'restored', 'message',
    'The orchestrator was restored from a backup that was made while an agent worked on this.') as error
  from task where status = 'in_progress' order by id limit $2 for update
), kept as (
  insert into attempt (task_id, number, agent_id, agent_name, started_at, ended_at, error)
  select t.id, t.attempt, t.agent_id, t.agent_name, t.started_at, $1::bigint, h.error
  from held h join task t on t.id = h.id
  on conflict (task_id, number) do nothing
), returned as (
  update task t set status = 'ready', ready_at = $1::bigint, delayed = false, error = h.error, lease_token = null,
    lease_until = null, timeout_at = null, resumed = false, pending = 0, max_attempts = t.max_attempts + 1
  from held h where t.id = h.id
  returning t.id, t.tenant, t.run_id, t.agent_id, t.agent_name, t.step, t.attempt, t.error
), told as (
  insert into event (at, type, task_id, run_id, agent_id, tenant, data)
  select $1::bigint, 'task.retrying', id, run_id, agent_id, tenant,
    json_build_object('agent', agent_name, 'attempt', attempt, 'step', step, 'error', error, 'notBefore', $1::bigint)
  from returned order by id
)
select id from returned`,
};

/** The probes of half-open breakers were such tasks: each breaker asks for another. $1 now. */
const probeAgain: Statement = {
  name: "restore_probe_again",
  text: `
update breaker set state = 'open', probe = null, probe_task = null, retry_at = $1::bigint, version = version + 1,
  updated_at = $1::bigint
where state = 'half_open'`,
};

/** Whoever held a lock works in the world that was lost. $1 now. */
const freeLocks: Statement = {
  name: "restore_free_locks",
  text: `
update lock set token = null, holder = null, task_id = null, attempt = null, acquired_at = null, expires_at = null,
  freed_at = $1::bigint
where token is not null`,
};

/** Answers how many there were. It can be cut off and done again. */
export async function takeBackTasks(database: Database, now: number): Promise<number> {
  await database.query(probeAgain, [now]);
  await database.query(freeLocks, [now]);
  let taken = 0;
  for (;;) {
    const rows = await database.query(takeBack, [now, atOnce]);
    taken += rows.length;
    if (rows.length < atOnce) return taken;
  }
}
