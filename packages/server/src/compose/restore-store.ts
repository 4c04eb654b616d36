import { existsSync } from "node:fs";
import { MusterError } from "@muster/sdk/protocol";
import { type Archives, createArchives } from "../backup/archives.ts";
import { type RestoredArtifacts, restoreArtifacts } from "../backup/restore-artifacts.ts";
import { type RestoreReport, refuseTaken, restoreBackup } from "../backup/restore-backup.ts";
import { verifyBackup } from "../backup/verify-backup.ts";
import { loadMigrations } from "../migrations/load-migrations.ts";
import type { BackupInfo, UnusableBackup, VerifiedBackup } from "../ports/backups.ts";
import type { Database } from "../ports/database.ts";
import type { Log } from "../ports/log.ts";
import { version } from "../version.ts";
import { openExistingPlace } from "./open-backups.ts";
import { openBlobs } from "./open-blobs.ts";
import { createDatabase, openLong, openScratchDatabase, openScratchFolder } from "./open-scratch.ts";
import { markUnfinished } from "./unfinished-restore.ts";

/** Where backups are, and what opens them. No server is needed. */
export interface BackupPlace {
  /** A data folder, a folder of backups, or a bucket (`s3://…`). */
  from: string;
  key?: string | undefined;
}

export interface RestoreStoreOptions extends BackupPlace {
  /** Of the backup; `latest` for the newest that was verified, or the newest where none was. */
  id: string;
  /** A data folder, or a database as `postgres://…`. */
  to: string;
  /** Where that holds something: restores into a new place beside it. */
  force?: boolean;
  /** Where artifacts are that belong to a database on a server; left out: they are not looked at. */
  s3Url?: string | undefined;
  onProgress?: (sentence: string) => void;
}

export interface RestoreStoreReport extends RestoreReport {
  /** Where the store is now. */
  to: string;
  /** Null: nobody said where artifacts are. */
  artifacts: RestoredArtifacts | null;
}

export interface VerifyStoreOptions extends BackupPlace {
  id: string;
  /** A PostgreSQL server for the trial; an embedded store where it is left out. */
  scratch?: string | undefined;
  onProgress?: (sentence: string) => void;
}

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const isServer = (place: string): boolean => /^postgres(ql)?:\/\//.test(place);

async function withArchives<T>(
  { from, key }: BackupPlace,
  work: (archives: Archives) => Promise<T>,
): Promise<T> {
  const place = await openExistingPlace(from, silent);
  return work(createArchives(place, key)).finally(() => place.close());
}

/** The backups at a place, newest first. */
export const listBackupsAt = (
  place: BackupPlace,
): Promise<{ backups: BackupInfo[]; unusable: UnusableBackup[] }> =>
  withArchives(place, (archives) => archives.list());

export const showBackupAt = (place: BackupPlace, id: string): Promise<BackupInfo> =>
  withArchives(place, async (archives) => archives.get(await pick(archives, id)));

/** Restores a backup for a trial, in this process. */
export const verifyBackupAt = (options: VerifyStoreOptions): Promise<VerifiedBackup> =>
  withArchives(options, async (archives) => {
    const { scratch, onProgress = () => {} } = options;
    return verifyBackup({
      id: await pick(archives, options.id),
      archives,
      openScratch: () => (scratch === undefined ? openScratchFolder() : openScratchDatabase(scratch)),
      migrations: await loadMigrations(),
      now: Date.now,
      program: version,
      onProgress,
      signal: new AbortController().signal,
    });
  });

/** Restores a backup into an empty data folder or database, which nobody else uses meanwhile. */
export const restoreStore = (options: RestoreStoreOptions): Promise<RestoreStoreReport> =>
  withArchives(options, async (archives) => {
    const { force = false, onProgress = () => {} } = options;
    const archive = await archives.open(await pick(archives, options.id));
    const migrations = await loadMigrations();
    const target = await openTarget(options.to, onProgress);
    try {
      const taken = await refuseTaken(target.database, archive.manifest).catch((error: unknown) => error);
      if (taken !== undefined && !force) throw taken;
      if (taken !== undefined) {
        await target.close();
        const beside = await placeBeside(options.to, new Date());
        onProgress(`${shownOf(options.to)} stays as it is; restoring into ${shownOf(beside)} instead`);
        return await restoreStoreInto(beside);
      }
      return await fill(target, options.to);
    } finally {
      await target.close();
    }

    async function restoreStoreInto(to: string): Promise<RestoreStoreReport> {
      const other = await openTarget(to, onProgress);
      return fill(other, to).finally(() => other.close());
    }

    async function fill({ database }: Target, to: string): Promise<RestoreStoreReport> {
      const unmark = isServer(to) ? async () => {} : await markUnfinished(to, archive.manifest.id);
      const artifacts = await withArtifacts(to, options.s3Url, (blobs) =>
        restoreArtifacts(archives, archive, blobs),
      );
      const report = await restoreBackup({
        archives,
        archive,
        to: database,
        migrations,
        trial: false,
        now: Date.now,
        onProgress,
      });
      await unmark();
      return { ...report, to: shownOf(to), artifacts };
    }
  });

async function pick(archives: Archives, id: string): Promise<string> {
  if (id !== "latest") return id;
  const { backups } = await archives.list();
  const chosen = backups.find(({ verifiedAt }) => verifiedAt !== null) ?? backups[0];
  if (chosen === undefined)
    throw new MusterError("not_found", "There is no backup here.", {
      hint: "Name the place of the backups with --from.",
    });
  return chosen.id;
}

interface Target {
  database: Database;
  close(): Promise<void>;
}

async function openTarget(to: string, onProgress: (sentence: string) => void): Promise<Target> {
  if (!isServer(to)) {
    const { createPgliteDatabase } = await import("../adapters/database/pglite/create-pglite-database.ts");
    const database = await createPgliteDatabase({ dataDir: to, onProgress, transactionMs: 24 * 3_600_000 });
    return { database, close: () => database.close() };
  }
  const { holdDatabase } = await import("../adapters/database/postgres/hold-database.ts");
  // Should the hold be lost on the way, the restore is still one transaction on a database that was empty.
  const hold = await holdDatabase({ url: to, shared: false, log: silent, onLost: () => {} });
  try {
    const database = await openLong(to);
    let closing: Promise<void> | undefined;
    const close = () => {
      closing ??= database.close().finally(() => hold.release());
      return closing;
    };
    return { database, close };
  } catch (error) {
    await hold.release();
    throw error;
  }
}

/** A new name that says what it is and when it was made. */
async function placeBeside(to: string, now: Date): Promise<string> {
  const stamp = now.toISOString().replace(/[-:T]/g, "").slice(0, 14);
  if (isServer(to)) return createDatabase(to, `${new URL(to).pathname.slice(1)}_restored_${stamp}`);
  const folder = `${to.replace(/\/+$/, "")}-restored-${stamp}`;
  if (existsSync(folder))
    throw new MusterError("conflict", `${folder} is there already.`, { hint: "Try again." });
  return folder;
}

async function withArtifacts<T>(
  to: string,
  s3Url: string | undefined,
  work: (blobs: Awaited<ReturnType<typeof openBlobs>>) => Promise<T>,
): Promise<T | null> {
  if (isServer(to) && s3Url === undefined) return null;
  const blobs = await openBlobs({ s3Url, dataDir: isServer(to) ? null : to, log: silent });
  return work(blobs).finally(() => blobs.close());
}

/** A place without its user and password. */
function shownOf(place: string): string {
  if (!isServer(place)) return place;
  const { host, pathname } = new URL(place);
  return `postgres://${host}${pathname}`;
}
