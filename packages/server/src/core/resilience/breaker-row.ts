import type { BreakerRow } from "../queue/statements/breakers.ts";
import { type Breaker, isPristine } from "./breaker.ts";

export const breakerOf = (row: BreakerRow): Breaker => ({
  state: row.state,
  failedAt: row.memory.failedAt ?? [],
  timedOutAt: row.memory.timedOutAt ?? [],
  succeededAt: row.memory.succeededAt ?? null,
  window: row.memory.window ?? null,
  openings: row.openings,
  changedAt: row.changed_at,
  retryAt: row.retry_at,
  probe: row.probe,
  cause: row.cause,
});

/** The row as it shall be; `row` is how it was. */
export const rowOf = (breaker: Breaker, row: BreakerRow): BreakerRow => ({
  ...row,
  state: breaker.state,
  pristine: isPristine(breaker),
  memory: {
    failedAt: breaker.failedAt,
    timedOutAt: breaker.timedOutAt,
    succeededAt: breaker.succeededAt,
    window: breaker.window,
  },
  openings: breaker.openings,
  changed_at: breaker.changedAt,
  retry_at: breaker.retryAt,
  probe: breaker.probe,
  probe_task: breaker.probe === null ? null : row.probe_task,
  cause: breaker.cause,
});

/** The words of an event about a change; null where nobody needs to hear of it. */
export function eventOf(
  before: Breaker,
  after: Breaker,
  agent: string,
): { type: string; data: object } | null {
  if (before.state === after.state && before.changedAt === after.changedAt) return null;
  if (after.state === "open") {
    const { cause, retryAt, openings } = after;
    return { type: "breaker.opened", data: { agent, from: before.state, cause, openings, retryAt } };
  }
  if (after.state === "half_open") return { type: "breaker.half_opened", data: { agent } };
  return before.state === "closed" ? null : { type: "breaker.closed", data: { agent, from: before.state } };
}
