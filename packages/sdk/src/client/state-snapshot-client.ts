import type {
  PrunedSnapshots,
  StateRestored,
  StateRestoreRequest,
  StateSnapshot,
  StateSnapshotRequest,
} from "../protocol/index.ts";
import type { Page } from "./client.ts";

/** Snapshots of the documents of one project, kept beside the database. */
export interface StateSnapshotClient {
  /** Of the documents as they are at this moment; nobody waits for it. */
  create(request?: StateSnapshotRequest): Promise<StateSnapshot>;
  /** Newest first. */
  list(page?: { before?: string; limit?: number }): Promise<Page<StateSnapshot>>;
  get(id: string): Promise<StateSnapshot>;
  /** Its documents as text, one JSON object (`StateSnapshotLine`) per line. */
  content(id: string, options?: { signal?: AbortSignal }): Promise<AsyncIterable<Uint8Array>>;
  /**
   * Writes its documents as new versions. `conflict` where documents are not as in the snapshot, unless `onChanged` says
   * what becomes of them; `dryRun` tells what would be done.
   */
  restore(id: string, request?: StateRestoreRequest): Promise<StateRestored>;
  delete(id: string): Promise<void>;
  /** Keeps so many of the newest. */
  prune(options: { keep: number; dryRun?: boolean }): Promise<PrunedSnapshots>;
}
