import type { Artifact, ArtifactEntry, ArtifactFilter } from "@muster/sdk/protocol";
import type { BlobBody, GetOptions, PutOptions } from "../../ports/blob-store.ts";
import type { Page, Principal, TaskLease } from "../orchestrator.ts";

/** Files too large for inputs and outputs. Each tenant has a space of its own and sees no other. */
export interface ArtifactService {
  /** Bytes that one artifact may have. */
  readonly mostBytes: number;
  /** The space of whoever asks; that of the tenant `default` for an admin of `*`, as with tasks. */
  of(principal: Principal): Artifacts;
  /** The space of the task's tenant, for as long as the lease is live: `lease_lost` from then on. */
  under(lease: TaskLease): Artifacts;
}

export interface Artifacts {
  /** Replaces what has the key, as a whole and only once all of it has arrived. */
  put(key: string, body: AsyncIterable<Uint8Array>, options?: PutOptions): Promise<Artifact>;
  get(key: string, options?: GetOptions): Promise<{ artifact: Artifact; body: BlobBody }>;
  head(key: string): Promise<Artifact>;
  /** Ordered by key. */
  list(filter?: ArtifactFilter): Promise<Page<ArtifactEntry>>;
  /** Deleting what is not there is fine. */
  delete(key: string): Promise<void>;
}
