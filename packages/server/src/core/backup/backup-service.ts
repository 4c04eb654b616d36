import {
  type Backup,
  type BackupJob,
  type BackupListing,
  BackupRequest,
  limits,
  MusterError,
  type PrunedBackups,
} from "@muster/sdk/protocol";
import type { BackupInfo, Backups } from "../../ports/backups.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Log } from "../../ports/log.ts";
import type { Principal } from "../orchestrator.ts";
import {
  type BackupJobRow,
  keepSchedule,
  readJob,
  readRunningJob,
  readSchedule,
  takeDueBackup,
} from "../queue/statements/backups.ts";
import { isoTime, isoTimeOrNull } from "../task-view.ts";
import { isUuid, parse } from "../validate.ts";
import { readRule } from "./backup-rule.ts";
import { type BackupRetention, keepBackups } from "./retention.ts";
import { createJobs } from "./run-jobs.ts";

/** Snapshots of the whole store. For admins of all tenants alone: anybody else is `forbidden`. */
export interface BackupService {
  /** Begins to write one, and answers at once. `conflict` while another job is under way, on whatever node. */
  create(request: BackupRequest, principal: Principal): Promise<BackupJob>;
  /** Begins to restore one for a trial. */
  verify(id: string, principal: Principal): Promise<BackupJob>;
  /** The job once it is over, or as it is when `waitMs` have passed or a little sooner. */
  job(id: string, waitMs: number, principal: Principal): Promise<BackupJob>;
  list(principal: Principal): Promise<BackupListing>;
  get(id: string, principal: Principal): Promise<Backup>;
  /** Removes what the retention does not keep. */
  prune(options: { dryRun?: boolean }, principal: Principal): Promise<PrunedBackups>;
}

export interface BackupSettings {
  /** How often one is made by itself, on the full multiples of it (UTC); 0: never. */
  everyMs: number;
  /** By which cron line instead, and in which time zone it is meant; UTC by default. */
  cron?: string | undefined;
  timezone?: string | undefined;
  /** Whether those are verified, too. */
  verify: boolean;
  retention: BackupRetention;
}

const defaults: BackupSettings = {
  everyMs: 0,
  verify: true,
  retention: { hourly: 24, daily: 7, weekly: 5 },
};

export interface BackupDependencies {
  /** Left out where nothing can be backed up. */
  backups?: Backups;
  database: Database;
  clock: Clock;
  ids: Ids;
  log: Log;
  settings: Partial<BackupSettings>;
}

const none = async (): Promise<never> => {
  throw new MusterError("unavailable", "This orchestrator has no place for backups.");
};
const noBackups: Backups = {
  nextId: () => "",
  create: none,
  list: none,
  get: none,
  verify: none,
  remove: none,
  sweep: none,
};

/** How long a node that does not have the job lets somebody wait who asks for it. */
const elsewhereMs = 1_000;

/**
 * Backups for operators: made and verified on request or by a schedule, one at a time, and removed by a retention that
 * never takes the newest one that was verified. They hold what is everybody's, so they are for admins of all tenants alone.
 */
export function createBackupService(deps: BackupDependencies) {
  const { backups = noBackups, database, clock, log } = deps;
  const settings = { ...defaults, ...deps.settings };
  const rule = readRule(settings, clock.now());
  const jobs = createJobs(deps);
  let nextLook = 0;

  const begin = (request: BackupRequest, scheduled: boolean): Promise<BackupJobRow> => {
    const id = backups.nextId(clock.now());
    const { encrypt = null, withArtifacts = false } = request;
    return jobs.begin("create", id, scheduled, async (work) => {
      const { rows, bytes } = await backups.create({ id, encrypt, withArtifacts }, work);
      await backups.sweep();
      return [`saved ${rows} rows in ${bytes} bytes`];
    });
  };

  const beginVerify = (id: string, scheduled: boolean): Promise<BackupJobRow> =>
    jobs.begin("verify", id, scheduled, async (work) => (await backups.verify(id, work)).steps);

  async function prune(dryRun: boolean): Promise<PrunedBackups> {
    const { backups: all } = await backups.list();
    const reasons = keepBackups(all, settings.retention);
    const removed = all.filter(({ id }) => !reasons.has(id)).map(({ id }) => id);
    if (!dryRun) {
      for (const id of removed) await backups.remove(id);
      await backups.sweep();
    }
    const kept = all.flatMap(({ id }) => (reasons.has(id) ? [{ id, reasons: reasons.get(id) ?? [] }] : []));
    return { dryRun, kept, removed };
  }

  async function makeScheduled(): Promise<void> {
    const { backup: id } = await begin({}, true);
    await jobs.idle();
    if (settings.verify && (await backups.get(id).catch(() => null)) !== null) {
      await beginVerify(id, true);
      await jobs.idle();
    }
    const { removed } = await prune(false);
    if (removed.length > 0) log.info({ removed }, "Removed backups that the retention does not keep.");
  }

  const service: BackupService = {
    async create(request, principal) {
      requireRoot(principal);
      return jobOf(await begin(parse(BackupRequest, request, "The backup"), false));
    },
    async verify(id, principal) {
      requireRoot(principal);
      await backups.get(id);
      return jobOf(await beginVerify(id, false));
    },
    async job(id, waitMs, principal) {
      requireRoot(principal);
      const progress = await jobs.settled(id, Math.min(waitMs, limits.longPollMs));
      const [row] = isUuid(id) ? await database.query(readJob, [id]) : [];
      if (row === undefined) throw new MusterError("not_found", `There is no work on backups ${id}.`);
      if (row.status !== "running") return jobOf(row);
      if (progress !== null) return { ...jobOf(row), progress };
      await new Promise<void>((resolve) => clock.setTimer(Math.min(waitMs, elsewhereMs), resolve));
      return jobOf(row);
    },
    async list(principal) {
      requireRoot(principal);
      const { backups: all, unusable } = await backups.list();
      const [running] = await database.query(readRunningJob);
      const [due] = rule !== null ? await database.query(readSchedule) : [];
      return {
        items: all.map(backupOf),
        unusable: unusable.filter(({ id }) => id !== running?.backup),
        running: running === undefined ? null : jobOf(running),
        nextAt: due === undefined ? null : isoTime(due.due_at),
      };
    },
    async get(id, principal) {
      requireRoot(principal);
      return backupOf(await backups.get(id));
    },
    async prune({ dryRun = false }, principal) {
      requireRoot(principal);
      return prune(dryRun);
    },
  };

  return {
    service,
    /** Upkeep asks, on the node that has the duty: begins what is due, and does not wait for it. */
    async tick(now: number): Promise<void> {
      if (rule === null || now < nextLook) return;
      const following = rule.after(now);
      const [row] = await database.query(keepSchedule, [settings.everyMs, following, rule.text]);
      nextLook = row?.due_at ?? following;
      if (nextLook > now) return;
      const taken = await database.query(takeDueBackup, [now, following]);
      nextLook = following;
      if (taken.length === 0) return;
      makeScheduled().catch((error: unknown) => log.error({ error }, "A scheduled backup was not made."));
    },
    stop: jobs.stop,
  };
}

function requireRoot({ role, tenant }: Principal): void {
  if (role !== "admin" || tenant !== "*")
    throw new MusterError(
      "forbidden",
      "Backups hold what is everybody's: only an admin of all tenants may use them.",
      {
        hint: "Use an admin key of the tenant *.",
      },
    );
}

const backupOf = (info: BackupInfo): Backup => ({
  ...info,
  at: isoTime(info.at),
  verifiedAt: isoTimeOrNull(info.verifiedAt),
});

const jobOf = (row: BackupJobRow): BackupJob => ({
  id: row.id,
  kind: row.kind,
  status: row.status,
  backupId: row.backup,
  scheduled: row.scheduled,
  progress: row.progress,
  steps: row.steps,
  error: row.error,
  startedAt: isoTime(row.started_at),
  endedAt: isoTimeOrNull(row.ended_at),
});
