import { limits, MusterError, StateSnapshot } from "@muster/sdk/protocol";
import Type, { type Static } from "typebox";
import type { Blob, BlobEntry, BlobStore } from "../../ports/blob-store.ts";
import { isUuid, parse } from "../validate.ts";
import { damaged } from "./snapshot-lines.ts";

/** What is written now. A higher number is of a newer version of Muster, and is not guessed at. */
const format = 1;
const Manifest = Type.Object({ format: Type.Integer(), ...StateSnapshot.properties });
type Manifest = Static<typeof Manifest>;

const mostManifestBytes = 64 * 1024;
/** Content that has had no manifest for this long was left behind by a crash. */
const orphanMs = 24 * 3_600_000;
const listedAtOnce = 1_000;

/**
 * Snapshots as objects: the content first, one document per line, and then a manifest that says what it is. Without
 * its manifest there is no snapshot, so one that was cut off never looks whole. They are found without the database.
 */
export function createSnapshotStore(blobs: BlobStore, folder: string) {
  const contentKey = (id: string) => `${folder}${id}.ndjson`;
  const manifestKey = (id: string) => `${folder}${id}.json`;

  async function entries(): Promise<BlobEntry[]> {
    const all: BlobEntry[] = [];
    // Each snapshot has two objects; more than twice the bound are leftovers, which a later look finds.
    for (let after: string | null = null; all.length < 4 * limits.stateSnapshotsPerProject; ) {
      const page = await blobs.list(folder, { limit: listedAtOnce, ...(after === null ? {} : { after }) });
      all.push(...page.blobs);
      if (page.next === null) break;
      after = page.next;
    }
    return all;
  }

  const idsOf = (found: readonly BlobEntry[], ending: string): string[] =>
    found
      .filter(({ key }) => key.endsWith(ending))
      .map(({ key }) => key.slice(folder.length, -ending.length))
      .filter(isUuid);

  async function get(id: string): Promise<StateSnapshot> {
    if (!isUuid(id)) throw notFound(id);
    const { body } = await blobs.get(manifestKey(id)).catch(named(id));
    const { format: found, ...snapshot } = readManifest(id, await textOf(id, body));
    if (found > format) throw newer(id, found);
    if (snapshot.id !== id) throw damaged(id, "its manifest is that of another");
    return snapshot;
  }

  return {
    get,
    /** Newest first: ids sort by time. */
    ids: async (): Promise<string[]> =>
      idsOf(await entries(), ".json")
        .sort()
        .reverse(),
    async put(
      about: Omit<StateSnapshot, "bytes" | "sha256">,
      content: AsyncIterable<Uint8Array>,
    ): Promise<StateSnapshot> {
      const { bytes, sha256 } = await blobs.put(contentKey(about.id), content, {
        contentType: "application/x-ndjson",
      });
      const snapshot: StateSnapshot = { ...about, bytes, sha256 };
      const manifest: Manifest = { format, ...snapshot };
      await blobs.put(manifestKey(about.id), whole(JSON.stringify(manifest)), {
        contentType: "application/json",
      });
      return snapshot;
    },
    /** The content, which has the sum that the manifest names, or `content_damaged`. */
    async open({ id, sha256, bytes }: StateSnapshot): Promise<Blob> {
      const blob = await blobs.get(contentKey(id)).catch((error: unknown) => {
        throw isMissing(error) ? damaged(id, "its content is gone") : error;
      });
      if (blob.info.sha256 === sha256 && blob.info.bytes === bytes) return blob;
      await blob.body.cancel();
      throw damaged(id, "its content is not the one that was written");
    },
    /** The manifest goes first: what is left of a removal that was cut off is no snapshot. */
    async remove(id: string): Promise<void> {
      await blobs.delete(manifestKey(id));
      await blobs.delete(contentKey(id));
    },
    /** Removes contents that a crash left without a manifest. */
    async sweep(now: number): Promise<void> {
      const found = await entries();
      const known = new Set(idsOf(found, ".json"));
      for (const { key, storedAt } of found) {
        const [id = ""] = idsOf([{ key, storedAt, bytes: 0 }], ".ndjson");
        if (id !== "" && !known.has(id) && now - storedAt > orphanMs) await blobs.delete(key);
      }
    },
  };
}
export type SnapshotStore = ReturnType<typeof createSnapshotStore>;

async function* whole(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

async function textOf(id: string, body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > mostManifestBytes) throw damaged(id, "its manifest is too long");
  }
  return text;
}

function readManifest(id: string, text: string): Manifest {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    throw damaged(id, "its manifest is no JSON");
  }
  const { format: said } = (found ?? {}) as { format?: unknown };
  if (typeof said === "number" && said > format) throw newer(id, said);
  try {
    return parse(Manifest, found, "The manifest");
  } catch (error) {
    throw damaged(id, `its manifest is not one of ours (${(error as Error).message.replace(/\.$/, "")})`);
  }
}

const isMissing = (error: unknown): boolean => error instanceof MusterError && error.code === "not_found";

const named = (id: string) => (error: unknown) => {
  throw isMissing(error) ? notFound(id) : error;
};

const notFound = (id: string): MusterError =>
  new MusterError("not_found", `The project has no snapshot ${id}.`, {
    hint: "`muster state snapshot list` shows those that there are.",
  });

const newer = (id: string, found: number): MusterError =>
  new MusterError(
    "conflict",
    `The snapshot ${id} was written by a newer version of Muster (format ${found}; this one reads ${format}).`,
    { hint: "Nothing was changed. Restore it with that version." },
  );
