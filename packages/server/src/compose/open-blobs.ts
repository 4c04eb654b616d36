import { join } from "node:path";
import { createInMemoryBlobs } from "../adapters/blob-store/in-memory/create-in-memory-blobs.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Log } from "../ports/log.ts";

export interface BlobOptions {
  s3Url?: string | undefined;
  /** Folder of the embedded store; null keeps everything in memory. */
  dataDir: string | null;
  log: Log;
}

/**
 * A bucket where there is one, else a folder in the data folder. That the bucket can't be reached now stops no
 * node: tasks do without it.
 */
export async function openBlobs({ s3Url, dataDir, log }: BlobOptions): Promise<BlobStore> {
  if (s3Url !== undefined) {
    const { createS3Blobs } = await import("../adapters/blob-store/s3/create-s3-blobs.ts");
    return createS3Blobs({ url: s3Url, log });
  }
  if (dataDir === null) return createInMemoryBlobs();
  const { createFilesystemBlobs } = await import(
    "../adapters/blob-store/filesystem/create-filesystem-blobs.ts"
  );
  return createFilesystemBlobs({ folder: join(dataDir, "blobs"), log });
}
