import type { Migration } from "../migrations/migrate.ts";
import type { BackupWork, VerifiedBackup } from "../ports/backups.ts";
import type { Database } from "../ports/database.ts";
import type { Archives } from "./archives.ts";
import { restoreBackup } from "./restore-backup.ts";

/** A database for a while. */
export interface Scratch {
  database: Database;
  /** What it is, for people. */
  shown: string;
  /** Closes it and removes everything. */
  drop(): Promise<void>;
}

export interface VerifyOptions extends BackupWork {
  id: string;
  archives: Archives;
  openScratch: () => Promise<Scratch>;
  migrations: readonly Migration[];
  now: () => number;
  program: string;
}

/** Restores an archive for a trial into a database that is dropped afterwards, and notes beside it that it could be. */
export async function verifyBackup(options: VerifyOptions): Promise<VerifiedBackup> {
  const { id, archives, openScratch, now, program, onProgress } = options;
  const steps: string[] = [];
  const tell = (sentence: string): void => {
    steps.push(sentence);
    onProgress(sentence);
  };
  const archive = await archives.open(id);
  tell(
    `read the manifest of ${id}: whole${archive.manifest.seal.encryption === null ? "" : ", and signed with our key"}`,
  );
  const scratch = await openScratch();
  try {
    tell(`opened ${scratch.shown}`);
    const passing = (sentence: string) => (sentence.endsWith("rows") ? onProgress(sentence) : tell(sentence));
    const { tables } = await restoreBackup({
      ...options,
      archive,
      to: scratch.database,
      trial: true,
      onProgress: passing,
    });
    await archives.noteVerified(id, now(), program);
    tell(`compared ${tables.length} tables: counts and checksums are those of the snapshot`);
    return { id, steps, tables };
  } finally {
    await scratch.drop();
  }
}
