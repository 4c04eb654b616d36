import type { Migration } from "../migrations/migrate.ts";
import type { Backups } from "../ports/backups.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Database } from "../ports/database.ts";
import { createArchives, newBackupId } from "./archives.ts";
import { createBackup } from "./create-backup.ts";
import { type Scratch, verifyBackup } from "./verify-backup.ts";

export interface BackupsOptions {
  database: Database;
  /** Where archives are kept. */
  place: BlobStore;
  /** Where artifacts are. */
  artifacts: BlobStore;
  /** Encrypts and opens archives; left out: neither. */
  key?: string | undefined;
  migrations: readonly Migration[];
  /** A database for one trial. */
  openScratch: () => Promise<Scratch>;
  now: () => number;
  /** Hex digits that nobody can guess. */
  chance: () => string;
  program: string;
}

/** The archives of a store: see the port. */
export function createBackups(options: BackupsOptions): Backups {
  const { place, key, now, chance } = options;
  const archives = createArchives(place, key);
  return {
    nextId: (at) => newBackupId(at, chance()),
    async create({ id, ...request }, work) {
      await createBackup({ ...options, ...work, id, archives, request, key });
      return archives.get(id);
    },
    list: archives.list,
    get: archives.get,
    verify: (id, work) => verifyBackup({ ...options, ...work, id, archives }),
    remove: archives.remove,
    sweep: () => archives.sweep(now()),
  };
}
