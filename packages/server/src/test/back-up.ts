import { randomUUID } from "node:crypto";
import { createArchives, newBackupId } from "../backup/archives.ts";
import { createBackup } from "../backup/create-backup.ts";
import { type RestoreReport, restoreBackup } from "../backup/restore-backup.ts";
import { loadMigrations } from "../migrations/load-migrations.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Database } from "../ports/database.ts";

export interface BackUpOptions {
  key?: string;
  withArtifacts?: boolean;
  signal?: AbortSignal;
  onProgress?: (sentence: string) => void;
}

/** Writes a backup of a database among blobs, and answers its id. */
export async function backUp(
  database: Database,
  blobs: BlobStore,
  options: BackUpOptions = {},
): Promise<string> {
  const {
    key,
    withArtifacts = false,
    onProgress = () => {},
    signal = new AbortController().signal,
  } = options;
  const { id } = await createBackup({
    id: newBackupId(Date.now(), randomUUID()),
    now: Date.now,
    program: "0.0.0-test",
    database,
    archives: createArchives(blobs, key),
    artifacts: blobs,
    request: { encrypt: null, withArtifacts },
    key,
    onProgress,
    signal,
  });
  return id;
}

/** Restores a backup for good. */
export async function restore(
  blobs: BlobStore,
  id: string,
  to: Database,
  { key, onProgress = () => {}, trial = false }: BackUpOptions & { trial?: boolean } = {},
): Promise<RestoreReport> {
  const archives = createArchives(blobs, key);
  const archive = await archives.open(id);
  const migrations = await loadMigrations();
  return restoreBackup({ archives, archive, to, migrations, trial, now: Date.now, onProgress });
}
