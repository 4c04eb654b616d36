import type { Database } from "../../packages/server/src/ports/database.ts";

/** Rows that one statement writes. */
const atOnce = 50_000;

/** Fills a store with tasks that ended, three events each, and a dependency for each second one: `scale` tasks. */
export async function fill(database: Database, tasks: number): Promise<void> {
  for (let from = 1; from <= tasks; from += atOnce) {
    const to = Math.min(tasks, from + atOnce - 1);
    await database.execute(`
insert into task (id, tenant, capability, route, status, priority, join_policy, attempt, max_attempts, attempts_granted,
  retry_delay_ms, retry_factor, retry_max_ms, retry_jitter, timeout_ms, agent_id, agent_name, input, output, created_at,
  started_at, ended_at)
select ('0199aa41-7c1e-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'default', 'work', 'work', 'completed', 5, 'all', 1, 3, 3,
  1000, 2, 60000, 0.1, 60000, 'agent-1', 'agent', json_build_object('n', n, 'text', repeat(md5(n::text), 4)),
  json_build_object('sum', md5(n::text)), 1700000000000 + n, 1700000000000 + n, 1700000000000 + n
from generate_series(${from}, ${to}) n;
insert into dependency (task_id, depends_on, kind)
select ('0199aa41-7c1e-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
  ('0199aa41-7c1e-7000-8000-' || lpad(to_hex(n - 1), 12, '0'))::uuid, 'need'
from generate_series(${from + 1}, ${to}, 2) n;
insert into event (at, type, task_id, tenant, data)
select 1700000000000 + n, type, ('0199aa41-7c1e-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'default',
  json_build_object('agent', 'agent', 'attempt', 1)
from generate_series(${from}, ${to}) n, unnest(array['task.submitted', 'task.started', 'task.completed']) type`);
  }
}
