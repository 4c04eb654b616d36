import type { Rollout, SideOutcomes } from "@muster/sdk/protocol";
import type { OutcomeRow } from "../queue/statements/rollout-outcomes.ts";
import type { RolloutRow } from "../queue/statements/rollouts.ts";
import { isoTime, isoTimeOrNull } from "../task-view.ts";
import { weightOf } from "./sides.ts";

/** A row as the world sees it. */
export function rolloutOf(row: RolloutRow): Rollout {
  const candidate = weightOf(row);
  return {
    id: row.id,
    capability: row.capability,
    tenant: row.tenant,
    status: row.status,
    holds: row.holds,
    candidate: row.candidate,
    baseline: row.baseline,
    steps: row.steps,
    step: row.step,
    weights: { baseline: 100 - candidate, candidate },
    rollback: row.rollback,
    comparison: row.comparison,
    shadowTasks: row.shadow_tasks,
    whenAway: row.when_away,
    cause: row.cause,
    startedBy: row.started_by,
    createdAt: isoTime(row.created_at),
    stepStartedAt: isoTime(row.step_started_at),
    endedAt: isoTimeOrNull(row.ended_at),
  };
}

const nothing: SideOutcomes = { completed: 0, failed: 0, errorRate: null, meanMs: null, p95Ms: null };
const rounded = (ms: number | null): number | null => (ms === null ? null : Math.round(ms * 10) / 10);

export function outcomesOf(rows: readonly OutcomeRow[]): Record<OutcomeRow["side"], SideOutcomes> {
  const outcomes = { baseline: nothing, candidate: nothing, shadow: nothing };
  for (const { side, completed, failed, mean_ms, p95_ms } of rows) {
    const total = completed + failed;
    const errorRate = total === 0 ? null : failed / total;
    outcomes[side] = { completed, failed, errorRate, meanMs: rounded(mean_ms), p95Ms: rounded(p95_ms) };
  }
  return outcomes;
}
