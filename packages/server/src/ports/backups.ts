/** How much of one table an archive holds. */
export interface BackupTable {
  name: string;
  rows: number;
  /** The sum of the hashes of all rows, as a database reckoned it. */
  checksum: string;
}

/** What is known of a whole archive. */
export interface BackupInfo {
  id: string;
  /** The moment that it shows, in milliseconds since the epoch. */
  at: number;
  /** The program that wrote it. */
  program: string;
  /** How many migrations the store had seen. */
  migrations: number;
  encrypted: boolean;
  /** As it is stored. */
  bytes: number;
  rows: number;
  tables: BackupTable[];
  artifacts: { included: boolean; count: number; bytes: number };
  /** When it was last restored for a trial and found to be whole; null: never. */
  verifiedAt: number | null;
}

/** Something among the archives that can't be used. */
export interface UnusableBackup {
  id: string;
  reason: string;
}

export interface BackupRequest {
  /** As `nextId` gave it. */
  id: string;
  /** Null: wherever there is a key. True without a key is refused. */
  encrypt: boolean | null;
  /** Puts the contents of artifacts into it, too, and not just their names. */
  withArtifacts: boolean;
}

export interface BackupWork {
  /** Told, in sentences, how far it is. */
  onProgress: (sentence: string) => void;
  /** Ends it; nothing of it stays. */
  signal: AbortSignal;
}

/** What a trial found. */
export interface VerifiedBackup {
  id: string;
  /** What was done, in sentences. */
  steps: string[];
  tables: BackupTable[];
}

/**
 * Archives of the whole store among the blobs. An archive shows one moment, is there as a whole or not at all, and
 * says itself whether it is what was written.
 *
 * Errors: `not_found`; `content_damaged` where it is not what was written; `conflict` where it is of a newer version or no
 * archive; `forbidden` where it needs another key; `unavailable` where blobs or database can't be used now.
 */
export interface Backups {
  /** The id of a backup that is made now: ids sort by time. */
  nextId(at: number): string;
  /** Writes an archive while work goes on. */
  create(request: BackupRequest, work: BackupWork): Promise<BackupInfo>;
  /** Newest first. */
  list(): Promise<{ backups: BackupInfo[]; unusable: UnusableBackup[] }>;
  get(id: string): Promise<BackupInfo>;
  /** Restores it into a scratch database, compares every table, and notes that it did. */
  verify(id: string, work: BackupWork): Promise<VerifiedBackup>;
  /** Removing what is not there is fine. */
  remove(id: string): Promise<void>;
  /** Removes what creating or removing left behind when it was cut off, an hour after the last sign of life. Answers how many. */
  sweep(): Promise<number>;
}
