import { type JoinPolicy, type Priority, priorities, type Task, type TaskStatus } from "@muster/sdk/protocol";
import type { TaskRow } from "./queue/statements/read-tasks.ts";

const nameOfPriority = new Map<number, Priority>(
  Object.entries(priorities).map(([name, value]) => [value, name as Priority]),
);

export const priorityName = (value: number): Priority => nameOfPriority.get(value) ?? "medium";

export const isoTime = (ms: number): string => new Date(ms).toISOString();
export const isoTimeOrNull = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));

type RolloutPlace = NonNullable<Task["rollout"]>["side"];

/** A row as the world sees it. */
export function taskOf(row: TaskRow): Task {
  return {
    id: row.id,
    name: row.name,
    capability: row.capability,
    requestedAgent: row.requested_agent,
    agent: row.agent_name,
    agentId: row.agent_id,
    status: row.status as TaskStatus,
    priority: priorityName(row.priority),
    tenant: row.tenant,
    runId: row.run_id,
    step: row.step,
    index: row.item_index,
    parentId: row.parent_id,
    depth: row.depth,
    join: row.join_policy as JoinPolicy,
    attempts: row.attempt,
    maxAttempts: row.max_attempts,
    timeoutMs: row.timeout_ms,
    input: row.input,
    output: row.output,
    error: row.error,
    createdAt: isoTime(row.created_at),
    readyAt: isoTimeOrNull(row.ready_at),
    startedAt: isoTimeOrNull(row.started_at),
    finishedAt: isoTimeOrNull(row.ended_at),
    deadlineAt: isoTimeOrNull(row.deadline_at),
    ...(row.rollout_id === null
      ? {}
      : { rollout: { id: row.rollout_id, side: row.rollout_side as RolloutPlace } }),
  };
}
