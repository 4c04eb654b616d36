import { MusterError } from "@muster/sdk/protocol";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Archive, Archives } from "./archives.ts";
import { unpackPart } from "./pack-part.ts";

export interface RestoredArtifacts {
  /** Put back from the archive. */
  restored: number;
  /** There already, and left as they are. */
  present: number;
  /** The archive has their names alone, and they are not there. */
  missing: number;
}

/** Puts artifacts back that are not there, as far as the archive has them, and counts those that nobody has. */
export async function restoreArtifacts(
  archives: Archives,
  { manifest, seal }: Archive,
  blobs: BlobStore,
): Promise<RestoredArtifacts> {
  const found: RestoredArtifacts = { restored: 0, present: 0, missing: 0 };
  for (const { key, part, contentType } of manifest.artifacts.items) {
    if (key.startsWith("backups/")) throw new MusterError("content_damaged", `${key} is no artifact.`);
    if ((await blobs.head(key)) !== null) found.present += 1;
    else if (part === null) found.missing += 1;
    else {
      const content = unpackPart(manifest.id, part, await archives.part(manifest.id, part), seal);
      await blobs.put(key, content, contentType === null ? {} : { contentType });
      found.restored += 1;
    }
  }
  return found;
}
