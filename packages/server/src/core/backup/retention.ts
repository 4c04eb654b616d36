/** How many of each kind are kept: the newest of each hour, day and week (UTC, from Monday) that has any. */
export interface BackupRetention {
  hourly: number;
  daily: number;
  weekly: number;
}

/** What is decided by. Times are milliseconds since the epoch. */
export interface DatedBackup {
  id: string;
  at: number;
  verifiedAt: number | null;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const weekMs = 7 * dayMs;
/** The epoch began on a Thursday; weeks begin on Mondays. */
const mondayMs = 4 * dayMs;

/**
 * Why each backup is kept; one without a reason may go. Counted are periods that have a backup, not those that passed, so
 * that a pause of a month removes nothing. The newest is kept whatever the numbers say, and so is the newest of those that
 * were verified: it is the one that certainly can be restored.
 */
export function keepBackups(
  backups: readonly DatedBackup[],
  retention: BackupRetention,
): Map<string, string[]> {
  const newestFirst = [...backups].sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));
  const reasons = new Map<string, string[]>();
  const keep = (backup: DatedBackup | undefined, reason: string): void => {
    if (backup !== undefined) reasons.set(backup.id, [...(reasons.get(backup.id) ?? []), reason]);
  };
  keep(newestFirst[0], "newest");
  keep(
    newestFirst.find(({ verifiedAt }) => verifiedAt !== null),
    "newest verified",
  );
  const periods: [string, number, (at: number) => number][] = [
    ["hourly", retention.hourly, (at) => Math.floor(at / hourMs)],
    ["daily", retention.daily, (at) => Math.floor(at / dayMs)],
    ["weekly", retention.weekly, (at) => Math.floor((at - mondayMs) / weekMs)],
  ];
  for (const [reason, count, periodOf] of periods) {
    const seen = new Set<number>();
    for (const backup of newestFirst) {
      const period = periodOf(backup.at);
      if (seen.has(period) || seen.size >= count) continue;
      seen.add(period);
      keep(backup, reason);
    }
  }
  return reasons;
}
