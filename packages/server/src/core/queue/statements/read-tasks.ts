import type { TaskError } from "@muster/sdk/protocol";
import type { Statement } from "../../../ports/database.ts";

/** A row of the task table, as readers see it. */
export interface TaskRow {
  id: string;
  tenant: string;
  name: string | null;
  capability: string | null;
  requested_agent: string | null;
  route: string;
  status: string;
  priority: number;
  delayed: boolean;
  ready_at: number | null;
  run_id: string | null;
  step: string | null;
  item_index: number | null;
  parent_id: string | null;
  depth: number;
  join_policy: string;
  pending: number;
  attempt: number;
  max_attempts: number;
  timeout_ms: number;
  timeout_at: number | null;
  deadline_at: number | null;
  agent_id: string | null;
  agent_name: string | null;
  lease_until: number | null;
  input: unknown;
  output: unknown;
  error: TaskError | null;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
  budget_id: string | null;
  /** A retry that the retry budget of its capability lets through when there is room. */
  retry_gated: boolean | null;
  rollout_id: string | null;
  rollout_side: string | null;
}

const columns = `id, tenant, name, capability, requested_agent, route, status, priority, delayed, ready_at, run_id, step,
  item_index, parent_id, depth, join_policy, pending, attempt, max_attempts, timeout_ms, timeout_at, deadline_at, agent_id,
  agent_name, lease_until, input, output, error, created_at, started_at, ended_at, budget_id,
  retry_gated, rollout_id, rollout_side`;

/** $1 ids. */
export const readTasks: Statement<TaskRow> = {
  name: "read_tasks",
  text: `select ${columns} from task where id = any ($1::uuid[]) order by id`,
};

/** Newest first. $1 tenant (*: all), $2 status, $3 capability, $4 run, $5 parent, $6 before this id, $7 how many. */
export const listTasks: Statement<TaskRow> = {
  name: "list_tasks",
  text: `
select ${columns} from task
where ($1 = '*' or tenant = $1) and ($2::text is null or status = $2) and ($3::text is null or capability = $3)
  and ($4::uuid is null or run_id = $4::uuid) and ($5::uuid is null or parent_id = $5::uuid)
  and ($6::uuid is null or id < $6::uuid)
order by id desc limit $7`,
};

/** Tasks of a run in the order of their making. $1 run, $2 how many. */
export const readRunTasks: Statement<TaskRow> = {
  name: "read_run_tasks",
  text: `select ${columns} from task where run_id = $1 order by id limit $2`,
};

/** What a task needs, or waits for, and the status of that; null where it was pruned. */
export interface NeedRow {
  task_id: string;
  id: string;
  status: string | null;
  error: TaskError | null;
}

/**
 * What tasks need, or wait for. Looked up before it is put in order: the planner would rather walk a whole index that has
 * the order than sort three rows. $1 tasks, $2 kind.
 */
export const readDependencies: Statement<NeedRow> = {
  name: "read_dependencies",
  text: `
with needed as materialized (
  select task_id, depends_on from dependency where task_id = any ($1::uuid[]) and kind = $2
)
select n.task_id, n.depends_on as id, t.status, t.error from needed n left join task t on t.id = n.depends_on
order by n.task_id, n.depends_on`,
};

/** An attempt that did not complete its task. */
export interface AttemptRow {
  task_id: string;
  number: number;
  agent_name: string;
  started_at: number;
  ended_at: number;
  error: TaskError;
}

/** $1 tasks. */
export const readAttempts: Statement<AttemptRow> = {
  name: "read_attempts",
  text: `select task_id, number, agent_name, started_at, ended_at, error from attempt where task_id = any ($1::uuid[])
order by task_id, number`,
};

/** How tasks ended, as far as they have. $1 ids. */
export const readResults: Statement<{
  id: string;
  status: string;
  output: unknown;
  error: TaskError | null;
  parent_id: string | null;
}> = {
  name: "read_results",
  text: `select id, status, output, error, parent_id from task where id = any ($1::uuid[])`,
};
