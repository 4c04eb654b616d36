import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, readFile, realpath, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BlobEntry, BlobInfo, BlobStore, PutOptions } from "../../../ports/blob-store.ts";
import type { Log } from "../../../ports/log.ts";
import { checkKey, checkListing, checkPut, notFound } from "../check-key.ts";
import { measureBody } from "../measured-body.ts";
import { defaultStaleMs, sweepRegularly } from "../sweep-regularly.ts";
import { plainBody, verifiedBody } from "../verified-body.ts";
import { openBlob, readChunk, readInfo, trailerOf } from "./blob-file.ts";
import { incomingFolder, pathOfKey } from "./blob-path.ts";
import { ifThere, onDisk } from "./disk-error.ts";
import { isOurs, moveIntoPlace, pruneFolders, syncFolder } from "./folders.ts";
import { walkBlobs } from "./walk-blobs.ts";

export interface FilesystemBlobsOptions {
  /** Made where it is missing. Several processes may share it. */
  folder: string;
  log: Pick<Log, "info" | "warn">;
  /** A put that wrote nothing for this long is dead, and what it left may be removed; a day by default. */
  staleMs?: number;
}

/**
 * Blobs in a folder, one file each. A put writes to a file of its own in `~incoming`, syncs it and renames it into
 * place: rename is atomic, so whoever opens the name gets one blob or the other, whole, and whoever has a file
 * open keeps what he opened. A put that died leaves a file in `~incoming`, which a sweep removes.
 */
export async function createFilesystemBlobs(options: FilesystemBlobsOptions): Promise<BlobStore> {
  const { folder, log, staleMs = defaultStaleMs } = options;
  await onDisk(folder, mkdir(join(folder, incomingFolder), { recursive: true, mode: 0o700 }));
  const root = await onDisk(folder, realpath(folder));
  const incoming = join(root, incomingFolder);
  const place: Place = { root, incoming };
  const stopSweeping = sweepRegularly(() => sweep(place, staleMs), log);

  return {
    async put(key, body, putOptions = {}) {
      checkKey(key);
      checkPut(putOptions);
      const path = pathOfKey(root, key);
      return withIncoming(place, async (file, written) => {
        const info = await writeBlob(place, file, key, body, putOptions);
        putOptions.signal?.throwIfAborted();
        await moveIntoPlace(root, written, path);
        return info;
      });
    },

    async get(key, { range, signal } = {}) {
      checkKey(key);
      signal?.throwIfAborted();
      const found = await find(place, key);
      if (found === undefined) throw notFound(key);
      const { file, info } = found;
      const [start, end] =
        range === undefined ? [0, info.bytes] : [range.start, Math.min(info.bytes, range.end + 1)];
      const source = {
        async *read() {
          for (let at = start; at < end; ) {
            signal?.throwIfAborted();
            const chunk = await onDisk(root, readChunk(file, at, end));
            if (chunk.length === 0) return;
            at += chunk.length;
            yield chunk;
          }
        },
        release: () => file.close(),
      };
      return { info, body: range === undefined ? verifiedBody(info, source) : plainBody(source) };
    },

    async head(key) {
      checkKey(key);
      const found = await find(place, key);
      await found?.file.close();
      return found?.info ?? null;
    },

    async delete(key) {
      checkKey(key);
      const path = pathOfKey(root, key);
      if (!(await onDisk(root, isOurs(dirname(path))))) return;
      await onDisk(root, rm(path, { force: true }));
      await onDisk(root, syncFolder(dirname(path)));
      await pruneFolders(root, dirname(path));
    },

    async list(prefix, listing) {
      const { after, limit } = checkListing(prefix, listing);
      const blobs: BlobEntry[] = [];
      for await (const { key, path } of walkBlobs(root, { prefix, after })) {
        if (blobs.length === limit) return { blobs, next: blobs.at(-1)?.key ?? null };
        const entry = await onDisk(root, describe(key, path));
        if (entry !== undefined) blobs.push(entry);
      }
      return { blobs, next: null };
    },

    sweep: () => sweep(place, staleMs),

    check: () =>
      withIncoming(place, async (file, path) => {
        await onDisk(root, file.appendFile("probe"));
        await onDisk(root, file.sync());
        await onDisk(root, readFile(path));
      }),

    close: stopSweeping,
  };
}

/** The folder of blobs by its real path, and within it that of puts under way. */
interface Place {
  root: string;
  incoming: string;
}

/** Works on a new file, which is gone afterwards unless it was moved away. */
async function withIncoming<T>(
  { root, incoming }: Place,
  work: (file: FileHandle, path: string) => Promise<T>,
): Promise<T> {
  await onDisk(root, mkdir(incoming, { recursive: true, mode: 0o700 }));
  const path = join(incoming, randomUUID());
  const file = await onDisk(root, open(path, "wx", 0o600));
  try {
    return await work(file, path);
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

async function writeBlob(
  { root }: Place,
  file: FileHandle,
  key: string,
  body: AsyncIterable<Uint8Array>,
  options: PutOptions,
): Promise<BlobInfo> {
  const measured = measureBody(body, options);
  for await (const chunk of measured) await onDisk(root, file.appendFile(chunk));
  const info: BlobInfo = {
    key,
    ...measured.finish(),
    contentType: checkPut(options),
    storedAt: Math.floor(Date.now() / 1_000) * 1_000,
  };
  await onDisk(root, file.appendFile(trailerOf(info)));
  await onDisk(root, file.sync());
  return info;
}

async function find({ root }: Place, key: string): Promise<{ file: FileHandle; info: BlobInfo } | undefined> {
  const path = pathOfKey(root, key);
  const file = await onDisk(root, ifThere(openBlob(path)));
  if (file === undefined) return undefined;
  let info: BlobInfo | undefined;
  try {
    // Asked after opening: a link that somebody puts there later leads nowhere any more.
    if (await onDisk(root, isOurs(dirname(path)))) info = await readInfo(file, key);
  } finally {
    if (info === undefined) await file.close();
  }
  return info && { file, info };
}

/** A damaged blob is listed as well, as large as its file, so that somebody can find and delete it. */
async function describe(key: string, path: string): Promise<BlobEntry | undefined> {
  const file = await ifThere(openBlob(path));
  if (file === undefined) return undefined;
  try {
    const { bytes, storedAt } = await readInfo(file, key);
    return { key, bytes, storedAt };
  } catch {
    const stats = await file.stat();
    return { key, bytes: stats.size, storedAt: Math.floor(stats.mtimeMs / 1_000) * 1_000 };
  } finally {
    await file.close();
  }
}

async function sweep({ root, incoming }: Place, staleMs: number): Promise<number> {
  let removed = 0;
  for (const name of (await onDisk(root, ifThere(readdir(incoming)))) ?? []) {
    const path = join(incoming, name);
    const stats = await onDisk(root, ifThere(stat(path)));
    if (stats === undefined || Date.now() - stats.mtimeMs < staleMs) continue;
    await onDisk(root, rm(path, { force: true, recursive: true }));
    removed++;
  }
  return removed;
}
