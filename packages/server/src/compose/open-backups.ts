import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { MusterError } from "@muster/sdk/protocol";
import { createBackups } from "../backup/create-backups.ts";
import { loadMigrations } from "../migrations/load-migrations.ts";
import type { Backups } from "../ports/backups.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import type { Log } from "../ports/log.ts";
import { version } from "../version.ts";
import { openBlobs } from "./open-blobs.ts";
import { openScratchFolder } from "./open-scratch.ts";

export interface BackupOptions {
  /** A folder or a bucket (`s3://…`) for backups; where files are by default. */
  backupTo?: string | undefined;
  /** Encrypts backups and opens them. */
  backupKey?: string | undefined;
  log: Log;
}

interface Parts {
  database: Database;
  blobs: BlobStore;
  clock: Clock;
}

export interface OpenBackups {
  backups: Backups;
  close(): Promise<void>;
}

/** The backups of a node. */
export async function openBackups(
  options: BackupOptions,
  { database, blobs, clock }: Parts,
): Promise<OpenBackups> {
  const { backupTo, backupKey, log } = options;
  const place = backupTo === undefined ? blobs : await openPlace(backupTo, log);
  const backups = createBackups({
    database,
    place,
    artifacts: blobs,
    key: backupKey,
    migrations: await loadMigrations(),
    openScratch: openScratchFolder,
    now: () => clock.now(),
    chance: () => randomUUID(),
    program: version,
  });
  return { backups, close: async () => (place === blobs ? undefined : place.close()) };
}

/** A bucket, or a folder as it is named. */
async function openPlace(place: string, log: Log): Promise<BlobStore> {
  if (place.startsWith("s3://")) return openBlobs({ s3Url: place, dataDir: null, log });
  const { createFilesystemBlobs } = await import(
    "../adapters/blob-store/filesystem/create-filesystem-blobs.ts"
  );
  return createFilesystemBlobs({ folder: resolve(place), log });
}

/** Where backups are that are to be read: a bucket, a data folder, or a folder of files as one has been copied. */
export async function openExistingPlace(place: string, log: Log): Promise<BlobStore> {
  if (place.startsWith("s3://")) return openPlace(place, log);
  const inside = join(place, "blobs");
  const folder = existsSync(inside) ? inside : place;
  if (!existsSync(folder))
    throw new MusterError("not_found", `There is no folder ${place}.`, {
      hint: "Name the data folder, the folder of backups or the bucket with --from.",
    });
  return openPlace(folder, log);
}
