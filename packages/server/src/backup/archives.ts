import { MusterError } from "@muster/sdk/protocol";
import type { BackupInfo, UnusableBackup } from "../ports/backups.ts";
import type { Blob, BlobStore } from "../ports/blob-store.ts";
import { type Manifest, mostManifestBytes, type Part, partsOf, readManifest, rowsOf } from "./manifest.ts";
import { findSeal, type Seal } from "./seal.ts";

/*
 * Where an archive is: `backups/<id>/` holds its parts as `part-000001`, …, then `manifest.json`, which is written when
 * all of them are, and removed before any of them is. So what has a manifest is whole, and what has none is none.
 * `verified.json` says when it was last restored for a trial.
 */
const root = "backups/";
const idPattern = /^[0-9]{8}-[0-9]{6}-[0-9a-f]{8}$/;
/** Archives and blobs that are looked at in one listing. */
const mostBackups = 5_000;
const mostBlobs = 1_000_000;
/** What has no manifest and did not grow for this long is left over. */
const leftoverMs = 3_600_000;
const mostVerifiedBytes = 4_096;

/** An archive that can be read: its manifest is whole and, where it is encrypted, the key is the right one. */
export interface Archive {
  manifest: Manifest;
  seal: Seal;
}

export type Archives = ReturnType<typeof createArchives>;

/** An id that sorts by time and can be read by people; `chance` makes it another one than any of the same second. */
export function newBackupId(at: number, chance: string): string {
  const time = new Date(at).toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  return `${time}-${chance.slice(0, 8)}`;
}

/** The archives in a blob store. `key` opens those that are encrypted. */
export function createArchives(blobs: BlobStore, key?: string) {
  const manifestKey = (id: string) => `${root}${id}/manifest.json`;
  const verifiedKey = (id: string) => `${root}${id}/verified.json`;
  const partKey = (id: string, number: number) => `${root}${id}/part-${String(number).padStart(6, "0")}`;

  async function readText(blob: Blob, mostBytes: number): Promise<string> {
    if (blob.info.bytes > mostBytes) {
      await blob.body.cancel();
      throw new MusterError("content_damaged", `${blob.info.key} is too large to be what it says.`);
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of blob.body) chunks.push(chunk);
    return Buffer.concat(chunks).toString("utf8");
  }

  async function readWhole(id: string): Promise<ReturnType<typeof readManifest>> {
    if (!idPattern.test(id)) throw notFound(id);
    const blob = await blobs.get(manifestKey(id)).catch((error) => {
      throw error instanceof MusterError && error.code === "not_found" ? notFound(id) : error;
    });
    return readManifest(await readText(blob, mostManifestBytes), id);
  }

  async function verifiedAt(id: string): Promise<number | null> {
    try {
      const text = await readText(await blobs.get(verifiedKey(id)), mostVerifiedBytes);
      const at = Date.parse((JSON.parse(text) as { at?: unknown }).at as string);
      return Number.isNaN(at) ? null : at;
    } catch (error) {
      if (error instanceof MusterError && error.code === "unavailable") throw error;
      return null;
    }
  }

  async function* keys(prefix: string): AsyncGenerator<{ key: string; storedAt: number }> {
    let after: string | null = "";
    for (let seen = 0; after !== null && seen < mostBlobs; ) {
      const page: Awaited<ReturnType<BlobStore["list"]>> = await blobs.list(
        prefix,
        after === "" ? {} : { after },
      );
      yield* page.blobs;
      seen += page.blobs.length;
      after = page.next;
    }
  }

  /** Every id below which anything is, with whether it has a manifest and when it last grew. */
  async function folders(): Promise<Map<string, { whole: boolean; grewAt: number }>> {
    const found = new Map<string, { whole: boolean; grewAt: number }>();
    for await (const { key, storedAt } of keys(root)) {
      const [id = "", name = ""] = key.slice(root.length).split("/");
      const before = found.get(id) ?? { whole: false, grewAt: 0 };
      found.set(id, {
        whole: before.whole || name === "manifest.json",
        grewAt: Math.max(before.grewAt, storedAt),
      });
      if (found.size > mostBackups) throw tooMany();
    }
    return found;
  }

  async function remove(id: string): Promise<void> {
    if (!idPattern.test(id)) return;
    await blobs.delete(manifestKey(id));
    for await (const blob of keys(`${root}${id}/`)) await blobs.delete(blob.key);
  }

  async function get(id: string): Promise<BackupInfo> {
    return infoOf((await readWhole(id)).manifest, await verifiedAt(id));
  }

  return {
    get,
    /** Opens an archive for reading. */
    async open(id: string): Promise<Archive> {
      const { manifest, body, mac } = await readWhole(id);
      const seal = await findSeal(id, manifest.seal, key);
      seal.check(body, mac);
      return { manifest, seal };
    },
    async list(): Promise<{ backups: BackupInfo[]; unusable: UnusableBackup[] }> {
      const backups: BackupInfo[] = [];
      const unusable: UnusableBackup[] = [];
      for (const [id, { whole }] of [...(await folders())].sort(([a], [b]) => (a < b ? 1 : -1))) {
        if (!idPattern.test(id)) continue;
        if (!whole) unusable.push({ id, reason: "It was never finished, or is being written now." });
        else
          await get(id).then(
            (info) => backups.push(info),
            (error: unknown) => {
              if (error instanceof MusterError && error.code === "unavailable") throw error;
              unusable.push({ id, reason: error instanceof Error ? error.message : String(error) });
            },
          );
      }
      return { backups, unusable };
    },
    /** What is stored of a part, which `unpackPart` makes sense of. */
    async part(id: string, { number }: Part): Promise<AsyncIterable<Uint8Array>> {
      const found = await blobs.get(partKey(id, number)).catch((error) => {
        const isGone = error instanceof MusterError && error.code === "not_found";
        throw isGone ? missing(id, number) : error;
      });
      return found.body;
    },
    put: (id: string, number: number, body: AsyncIterable<Uint8Array>, signal: AbortSignal) =>
      blobs.put(partKey(id, number), body, { signal }),
    /** With this the archive is there. */
    async finish(id: string, text: string): Promise<void> {
      await blobs.put(manifestKey(id), once(text), { contentType: "application/json" });
    },
    async noteVerified(id: string, at: number, program: string): Promise<void> {
      const text = `${JSON.stringify({ at: new Date(at).toISOString(), program })}\n`;
      await blobs.put(verifiedKey(id), once(text), { contentType: "application/json" });
    },
    remove,
    async sweep(now: number, afterMs: number = leftoverMs): Promise<number> {
      let swept = 0;
      for (const [id, { whole, grewAt }] of await folders()) {
        if (whole || grewAt + afterMs > now || !idPattern.test(id)) continue;
        await remove(id);
        swept += 1;
      }
      return swept;
    },
  };
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

function infoOf(manifest: Manifest, verifiedAt: number | null): BackupInfo {
  const { id, program, migrations, seal, tables, artifacts } = manifest;
  return {
    id,
    at: Date.parse(manifest.createdAt),
    program,
    migrations: migrations.length,
    encrypted: seal.encryption !== null,
    bytes: partsOf(manifest).reduce((sum, { bytes }) => sum + bytes, 0),
    rows: rowsOf(manifest),
    tables: tables.map(({ name, rows, checksum }) => ({ name, rows, checksum })),
    artifacts: {
      included: artifacts.included,
      count: artifacts.items.length,
      bytes: artifacts.items.reduce((sum, { bytes }) => sum + bytes, 0),
    },
    verifiedAt,
  };
}

const notFound = (id: string): MusterError =>
  new MusterError("not_found", `There is no backup ${id}.`, {
    hint: "`muster backup list` shows those that are there.",
  });

const missing = (id: string, number: number): MusterError =>
  new MusterError("content_damaged", `Part ${number} of backup ${id} is missing.`, {
    hint: "Use another backup: `muster backup list` shows them.",
  });

const tooMany = (): MusterError =>
  new MusterError("limit_exceeded", `There are more than ${mostBackups} backups.`, {
    hint: "Remove some: `muster backup prune`.",
  });
