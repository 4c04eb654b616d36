import type { BlobStore } from "../../ports/blob-store.ts";

/** A store and a way to look behind it. */
export interface BlobStoreUnderTest {
  store: BlobStore;
  /** How many things lie in its place that belong to no blob. */
  leftovers(): Promise<number>;
  /** Replaces what is stored of a blob, and nothing of what is known of it. Missing: nobody else can reach the content. */
  tamper?(key: string, change: (content: Buffer) => Buffer): Promise<void>;
  drop(): Promise<void>;
}
