import { MusterError } from "@muster/sdk/protocol";
import { readCron } from "../schedules/cron-times.ts";

/** When backups are made by themselves. */
export interface BackupRule {
  /** What it says; another text is another rule. */
  text: string;
  /** The first of its times behind a moment. All nodes reckon the same one. */
  after(now: number): number;
}

/** What a cron line that has no time any more is asked for again: a year later. */
const foreverMs = 366 * 24 * 3_600_000;

/** The rule of these settings, or null where none is set. Refuses two at once, and a cron line that can't be. */
export function readRule(
  {
    everyMs,
    cron,
    timezone = "UTC",
  }: { everyMs: number; cron?: string | undefined; timezone?: string | undefined },
  now: number,
): BackupRule | null {
  if (cron === undefined) return everyMs === 0 ? null : everySoOften(everyMs);
  if (everyMs !== 0) {
    throw new MusterError(
      "invalid_request",
      "Backups are made by an interval or by a cron line, not by both.",
      {
        hint: "Set MUSTER_BACKUP_EVERY_MS or MUSTER_BACKUP_CRON.",
      },
    );
  }
  const times = readCron(cron, timezone, now);
  return {
    text: `${cron.trim().replace(/\s+/g, " ")} ${timezone}`,
    after: (moment) => times.after(moment) ?? moment + foreverMs,
  };
}

/** At full multiples: a day begins at midnight (UTC). */
const everySoOften = (everyMs: number): BackupRule => ({
  text: `every ${everyMs} ms`,
  after: (now) => (Math.floor(now / everyMs) + 1) * everyMs,
});
