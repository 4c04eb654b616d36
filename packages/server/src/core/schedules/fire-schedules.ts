import { MusterError } from "@muster/sdk/protocol";
import type { Database, Queryable } from "../../ports/database.ts";
import type { Log } from "../../ports/log.ts";
import type { Aftermath, Announce } from "../aftermath.ts";
import {
  findDueSchedules,
  findQueuedSchedules,
  isUnderWay,
  lockSchedule,
  moveSchedule,
  type ScheduleRow,
} from "../queue/statements/schedules.ts";
import { isoTime } from "../task-view.ts";
import { dueOf, judgeOverlap } from "./due-times.ts";
import { type StartDependencies, startScheduled } from "./start-scheduled.ts";

/** Schedules that are looked at in one go; the next go follows at once. */
const batch = 100;

export interface FireDependencies extends StartDependencies {
  database: Database;
  log: Log;
  announce: Announce;
}

/** What a move of a schedule writes, beside the next time. */
interface Move {
  next: number | null;
  status: ScheduleRow["status"];
  queued: number;
  lastAt: number | null;
  lastId: string | null;
  started: number;
  skipped: number;
  events: { type: string; data: object }[];
}

/**
 * Hands in the work of schedules whose time has come. The row is locked, the work is handed in and the row is moved on
 * to its next time in one transaction: of many nodes that look at once, and through any crash, one does it, once.
 */
export function createFireSchedules(deps: FireDependencies) {
  const { database, clock, log, announce } = deps;

  async function each(
    ids: readonly { id: string }[],
    fire: (tx: Queryable, id: string) => Promise<Aftermath[]>,
  ) {
    for (const { id } of ids) {
      try {
        for (const effect of await database.transaction((tx) => fire(tx, id))) announce(effect);
      } catch (error) {
        if (error instanceof MusterError && error.retryable) throw error;
        log.error(
          { error, schedule: id },
          "The work of a schedule could not be handed in; this time is left out.",
        );
        await database.transaction((tx) => leaveOut(tx, id, error as Error));
        announce({});
      }
    }
  }

  /** The time can't be acted on, now or later, so it does not stand in the way of the next one. */
  async function leaveOut(tx: Queryable, id: string, { message }: Error): Promise<void> {
    const row = await lockIt(tx, id);
    if (row === undefined) return;
    const isDue = row.next_at !== null && row.next_at <= clock.now();
    const next = isDue ? dueOf(row, clock.now()).next : row.next_at;
    const skipped = [
      { type: "schedule.skipped", data: { ...facts(row), reason: "failed", message, times: 1 } },
    ];
    const queued = isDue ? row.queued : Math.max(0, row.queued - 1);
    await move(tx, row, {
      ...unmoved(row),
      next,
      queued,
      status: statusOf(row, next),
      skipped: 1,
      events: skipped,
    });
  }

  async function fireDue(tx: Queryable, id: string): Promise<Aftermath[]> {
    const row = await lockIt(tx, id);
    if (row === undefined || row.next_at === null || row.next_at > clock.now()) return [];
    const { times, next, missed } = dueOf(row, clock.now());
    const isBusy = row.overlap !== "allow" && (await lastIsUnderWay(tx, row));
    const { start, queued, overlapped } = judgeOverlap(row, times, isBusy);
    const events: Move["events"] = [];
    for (const [reason, count] of Object.entries({ missed, overlap: overlapped }))
      if (count > 0) events.push({ type: "schedule.skipped", data: { ...facts(row), reason, times: count } });
    const { effects, lastId } = await startAll(tx, row, start, events);
    await move(tx, row, {
      next,
      status: statusOf(row, next),
      queued,
      lastAt: start.at(-1) ?? null,
      lastId,
      started: start.length,
      skipped: missed + overlapped,
      events,
    });
    return [...effects, next === null ? {} : { dueAt: next }];
  }

  async function fireQueued(tx: Queryable, id: string): Promise<Aftermath[]> {
    const row = await lockIt(tx, id);
    if (row === undefined || row.queued === 0 || row.status === "paused" || (await lastIsUnderWay(tx, row)))
      return [];
    const events: Move["events"] = [];
    const now = clock.now();
    const { effects, lastId } = await startAll(tx, row, [now], events);
    await move(tx, row, { ...unmoved(row), queued: row.queued - 1, lastAt: now, lastId, started: 1, events });
    return effects;
  }

  async function startAll(tx: Queryable, row: ScheduleRow, times: readonly number[], events: Move["events"]) {
    const effects: Aftermath[] = [];
    let lastId: string | null = null;
    for (const time of times) {
      const work = await startScheduled(deps, tx, row);
      effects.push(...work.effects);
      lastId = work.id;
      events.push(startedEvent(row, work.id, time));
    }
    return { effects, lastId };
  }

  async function move(tx: Queryable, row: ScheduleRow, to: Move): Promise<void> {
    const { next, status, queued, lastAt, lastId, started, skipped, events } = to;
    const place = [row.id, row.next_at, next, status, queued, lastAt, lastId, started, skipped];
    const moved = await tx.query(moveSchedule, [...place, clock.now(), JSON.stringify(events)]);
    if (moved.length === 0) throw new Error(`Schedule ${row.id} moved under its lock.`);
  }

  return {
    /** Everything whose time has come. */
    async due(): Promise<void> {
      for (;;) {
        const due = await database.query(findDueSchedules, [clock.now(), batch]);
        await each(due, fireDue);
        if (due.length < batch) return;
      }
    },
    /** Times that waited for work that has ended. */
    async queued(): Promise<void> {
      await each(await database.query(findQueuedSchedules, [batch]), fireQueued);
    },
  };
}

export type FireSchedules = ReturnType<typeof createFireSchedules>;

export const facts = ({ id, name }: ScheduleRow) => ({ schedule: id, name });

export const startedEvent = (row: ScheduleRow, id: string, time: number) => ({
  type: "schedule.started",
  data: { ...facts(row), starts: row.starts, id, time: isoTime(time) },
});

const lockIt = async (tx: Queryable, id: string) => (await tx.query(lockSchedule, [id]))[0];

const lastIsUnderWay = async (tx: Queryable, { last_id }: ScheduleRow): Promise<boolean> =>
  last_id !== null && (await tx.query(isUnderWay, [last_id])).length > 0;

/** One whose times are over has ended; one that waits for nothing because it is paused has not. */
const statusOf = (row: ScheduleRow, next: number | null): ScheduleRow["status"] =>
  row.status === "active" && next === null ? "ended" : row.status;

const unmoved = (row: ScheduleRow): Move => ({
  next: row.next_at,
  status: row.status,
  queued: row.queued,
  lastAt: null,
  lastId: null,
  started: 0,
  skipped: 0,
  events: [],
});
