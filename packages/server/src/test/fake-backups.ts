import { type BackupJob, MusterError } from "@muster/sdk/protocol";
import type { BackupService } from "../core/backup/backup-service.ts";

/** A service that makes nothing, for tests of the API. */
export function createFakeBackups(): BackupService {
  const jobs = new Map<string, BackupJob>();
  const begin = async (kind: "create" | "verify", backupId: string): Promise<BackupJob> => {
    const job: BackupJob = {
      id: `job-${jobs.size + 1}`,
      kind,
      status: "running",
      backupId,
      scheduled: false,
      progress: "",
      steps: [],
      error: null,
      startedAt: "2026-01-01T00:00:00.000Z",
      endedAt: null,
    };
    jobs.set(job.id, job);
    return job;
  };
  return {
    create: () => begin("create", "20260101-000000-00000000"),
    verify: (id) => begin("verify", id),
    async job(id) {
      const job = jobs.get(id);
      if (job === undefined) throw new MusterError("not_found", `There is no work on backups ${id}.`);
      return job;
    },
    list: async () => ({ items: [], unusable: [], running: null, nextAt: null }),
    async get(id) {
      throw new MusterError("not_found", `There is no backup ${id}.`);
    },
    prune: async ({ dryRun = false }) => ({ dryRun, kept: [], removed: [] }),
  };
}
