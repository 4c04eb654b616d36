import { type Aftermath, budgetsOf } from "../aftermath.ts";
import type { CompletionRow } from "../queue/statements/complete.ts";
import type { ReadyTask } from "../queue/statements/peek-ready.ts";

/** What the rows of the statement mean for others. A slot that was handed on is not free. */
export function completionAftermath(rows: readonly CompletionRow[]): Aftermath {
  const handed = rows.flatMap((row) => (row.handed === null ? [] : [row.handed]));
  const kept = new Set(handed.map((task) => task.instead_of));
  const ended = rows.filter((row) => row.kind === "ended");
  return {
    handed,
    fresh: rows.filter((row) => row.kind === "ready").map(readyOf),
    budgets: budgetsOf(ended),
    runs: rows.filter((row) => row.kind === "step").map((row) => row.id),
    ended: ended.map((row) => row.id),
    endings: { completed: ended.length },
    unlocked: ended.filter((row) => row.has_locks).map((row) => row.id),
    freed: ended
      .filter((row) => !kept.has(row.id))
      .map((row) => ({ agentId: row.agent_id as string, taskId: row.id })),
    dueAt: Math.min(...rows.filter((row) => row.kind === "later").map((row) => row.ready_at as number)),
  };
}

const readyOf = (row: CompletionRow): ReadyTask => ({
  id: row.id,
  route: row.route as string,
  tenant: row.tenant as string,
  priority: row.priority as number,
  virtual_time: row.virtual_time as number,
  preferred_agent: null,
  budget_id: row.budget_id,
  avoid: null,
});
