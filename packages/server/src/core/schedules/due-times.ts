import type { ScheduleRow } from "../queue/statements/schedules.ts";
import { timesOf } from "./cron-times.ts";

/** A time that is acted on later than this was missed: nobody was there. */
export const missedAfterMs = 60_000;
/** Times that are looked at one by one; of what is due beyond them nothing is known but that it is left out. */
export const mostDue = 50;
/** Times whose work may wait for the end of the one before. */
export const mostQueued = 50;

export interface Due {
  /** Times whose work is to be handed in, in order. */
  times: number[];
  /** The next time behind now; null: there is none. */
  next: number | null;
  /** Times that were missed and are left out. */
  missed: number;
}

/** What a schedule has to do now. */
export function dueOf(row: Pick<ScheduleRow, "cron" | "timezone" | "missed" | "next_at">, now: number): Due {
  const first = row.next_at as number;
  const due: number[] = [];
  let next: number | null = null;
  if (row.cron === null) due.push(first);
  else {
    const cron = timesOf(row.cron, row.timezone);
    next = first;
    for (; next !== null && next <= now && due.length < mostDue; next = cron.after(next)) due.push(next);
    if (next !== null && next <= now) next = cron.after(now);
  }
  const missed = due.filter((time) => now - time > missedAfterMs);
  const punctual = due.slice(missed.length);
  if (row.missed === "run-all") return { times: due, next, missed: 0 };
  // One for all that were missed; a punctual time behind them makes up for them as well.
  const instead = row.missed === "run-once" && punctual.length === 0 ? missed.slice(-1) : [];
  return { times: [...instead, ...punctual], next, missed: missed.length - instead.length };
}

export interface Verdict {
  start: number[];
  queued: number;
  /** Times left out because the work of the one before has not ended. */
  overlapped: number;
}

/** What becomes of these times while the last work may be under way. */
export function judgeOverlap(
  row: Pick<ScheduleRow, "overlap" | "queued">,
  times: readonly number[],
  isUnderWay: boolean,
): Verdict {
  if (row.overlap === "allow") return { start: [...times], queued: row.queued, overlapped: 0 };
  const isBusy = isUnderWay || row.queued > 0;
  const start = isBusy ? [] : times.slice(0, 1);
  const rest = times.length - start.length;
  if (row.overlap === "skip") return { start, queued: row.queued, overlapped: rest };
  const queued = Math.min(mostQueued, row.queued + rest);
  return { start, queued, overlapped: row.queued + rest - queued };
}
