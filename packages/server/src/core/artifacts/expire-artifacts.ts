import type { BlobStore } from "../../ports/blob-store.ts";

/** Artifacts that are looked at in one go. The next go is a minute later, and goes on behind them. */
const atOnce = 1_000;
const prefix = "artifacts/";

/** Deletes artifacts that were stored longer ago than `keepMs`; answers how many. With 0 they are kept for ever. */
export function createExpireArtifacts(blobs: BlobStore, keepMs: number) {
  let after: string | null = null;

  return async function expireArtifacts(now: number): Promise<number> {
    if (keepMs === 0) return 0;
    const page = await blobs.list(prefix, { limit: atOnce, ...(after === null ? {} : { after }) });
    after = page.next;
    let deleted = 0;
    for (const { key, storedAt } of page.blobs) {
      if (now - storedAt <= keepMs) continue;
      // It may have been put anew since it was listed.
      const found = await blobs.head(key);
      if (found === null || now - found.storedAt <= keepMs) continue;
      await blobs.delete(key);
      deleted++;
    }
    return deleted;
  };
}
