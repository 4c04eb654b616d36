import type { EventRow } from "../../core/queue/statements/events.ts";
import type { Violation } from "./event-rules.ts";

/** What was asked for. */
export interface PlannedSchedule {
  /** The one moment; null: every full minute. */
  at: number | null;
  /** Whether a person interferes: pauses it, runs it now, deletes it. */
  touched: boolean;
}

/** A schedule as it stands in the end. */
export interface JudgedSchedule {
  name: string;
  next_at: number | null;
  queued: number;
}

/** What schedules made: the tasks and runs that nobody else hands in. */
export interface ScheduledWork {
  id: string;
}

const minuteMs = 60_000;

/** What the events of one schedule say. */
interface Account {
  createdAt: number;
  /** Starts by the moment that they are for, where they are for a moment of its own. */
  due: Map<number, number>;
  /** Starts of moments that waited. */
  late: number;
  skipped: number;
}

/**
 * Reads the events of all schedules again: each due moment was acted on once or left out once, with the reason told, and
 * each piece of work belongs to one of them.
 */
export function checkSchedules(
  events: readonly EventRow[],
  planned: ReadonlyMap<string, PlannedSchedule>,
  schedules: readonly JudgedSchedule[],
  work: readonly ScheduledWork[],
): Violation[] {
  const violations: Violation[] = [];
  const accounts = new Map<string, Account>();
  const told = new Map<string, number>();

  function blame(rule: string, detail: string, taskIds: string[] = []): void {
    violations.push({ rule, detail, taskIds });
  }

  function started(account: Account, name: string, { id, time }: { id: string; time: string }): void {
    told.set(id, (told.get(id) ?? 0) + 1);
    const at = Date.parse(time);
    const plan = planned.get(name);
    const isDue = plan?.at === null ? at % minuteMs === 0 : at === plan?.at;
    if (!isDue) account.late += 1;
    else account.due.set(at, (account.due.get(at) ?? 0) + 1);
  }

  for (const { type, at, data } of events) {
    if (!type.startsWith("schedule.")) continue;
    const { name } = data as { name: string };
    const account = accounts.get(name) ?? { createdAt: at, due: new Map(), late: 0, skipped: 0 };
    accounts.set(name, account);
    if (type === "schedule.started") started(account, name, data as { id: string; time: string });
    if (type === "schedule.skipped") account.skipped += (data as { times: number }).times;
  }
  for (const [name, { due }] of accounts) {
    for (const [at, times] of due)
      if (times > 1)
        blame("a moment fires once", `${name} started ${times} times for ${new Date(at).toISOString()}`);
  }
  for (const row of schedules) {
    const [plan, account] = [planned.get(row.name), accounts.get(row.name)];
    if (plan === undefined || account === undefined || plan.touched) continue;
    const passed = momentsOf(plan, account.createdAt, row.next_at);
    const acted = sum(account.due.values()) + account.late + account.skipped + row.queued;
    if (passed !== acted)
      blame("a moment fires once", `${row.name}: ${passed} moments passed, ${acted} were acted on`);
  }
  for (const { id } of work) {
    const times = told.get(id) ?? 0;
    if (times !== 1) blame("work of schedules is told", `is in ${times} events of schedules`, [id]);
  }
  const there = new Set(work.map(({ id }) => id));
  for (const id of told.keys())
    if (!there.has(id)) blame("nothing lost", "was started by a schedule and is not there", [id]);
  return violations;
}

/** Moments between the making of a schedule and its next one. */
function momentsOf({ at }: PlannedSchedule, createdAt: number, nextAt: number | null): number {
  if (at !== null) return nextAt === null ? 1 : 0;
  const first = Math.floor(createdAt / minuteMs) + 1;
  return (nextAt as number) / minuteMs - first;
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, number) => total + number, 0);
