import { MusterError } from "@muster/sdk/protocol";
import { unhurried } from "../migrate-store/copy-store.ts";
import { readSchema, type Table } from "../migrate-store/read-schema.ts";
import { readContent, readRows, readSequence, type SequenceStand } from "../migrate-store/table-content.ts";
import { tablesLeftOut } from "../migrate-store/which-tables.ts";
import type { BackupRequest, BackupWork } from "../ports/backups.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Database, Queryable } from "../ports/database.ts";
import type { Archives } from "./archives.ts";
import {
  formatVersion,
  type Manifest,
  type Part,
  type SavedArtifact,
  type SavedTable,
  writeManifest,
} from "./manifest.ts";
import { packPart } from "./pack-part.ts";
import { createSeal, type Seal } from "./seal.ts";

export interface CreateOptions extends BackupWork {
  id: string;
  /** Milliseconds since the epoch. */
  now: () => number;
  program: string;
  database: Database;
  archives: Archives;
  /** Where artifacts are; null where the store has none. */
  artifacts: BlobStore | null;
  request: Omit<BackupRequest, "id">;
  key: string | undefined;
}

/** Bytes of rows that go into one part: large enough to compress well, small enough to be read again when damaged. */
const partBytes = 64 * 1024 * 1024;
const tellEveryRows = 100_000;
/** Artifacts that a manifest names, and that can be put into an archive. */
const mostArtifacts = 10_000;
/** Backups themselves are no part of a backup. */
const ourPrefix = "backups/";

/** Numbers parts over the whole archive and stores them. */
interface PartWriter {
  write(plain: AsyncIterable<Uint8Array>): Promise<Part>;
}

/**
 * Writes everything that matters into an archive, as it is at one moment, while work goes on. Its manifest comes last: until
 * then there is no backup. What was written before a failure is removed.
 */
export async function createBackup(options: CreateOptions): Promise<Manifest> {
  const { id, archives, request, key, onProgress } = options;
  if (request.encrypt === true && key === undefined) throw noKey();
  const seal = await createSeal(id, request.encrypt === false ? undefined : key);
  try {
    const writer = createPartWriter(options, seal);
    const saved = await options.database.snapshot((reader) => saveStore(reader, writer, options));
    // Artifacts are put before rows refer to them, so looking afterwards misses none that these rows refer to.
    const artifacts = await saveArtifacts(options, writer);
    const manifest: Manifest = {
      format: "muster-backup",
      formatVersion,
      id,
      program: options.program,
      ...saved,
      seal: seal.facts,
      leftOut: { ...tablesLeftOut },
      artifacts,
    };
    options.signal.throwIfAborted();
    await archives.finish(id, writeManifest(manifest, seal.sign));
    onProgress("wrote the manifest");
    return manifest;
  } catch (error) {
    await archives.remove(id).catch(() => {});
    throw error;
  }
}

function createPartWriter({ id, archives, signal }: CreateOptions, seal: Seal): PartWriter {
  let number = 0;
  return {
    async write(plain) {
      number += 1;
      const packed = packPart(number, plain, seal);
      await archives.put(id, number, packed, signal);
      return packed.finish();
    },
  };
}

type Saved = Pick<Manifest, "createdAt" | "migrations" | "tables" | "sequences">;

async function saveStore(reader: Queryable, writer: PartWriter, options: CreateOptions): Promise<Saved> {
  await reader.query(unhurried);
  const createdAt = new Date(options.now()).toISOString();
  const schema = await readSchema(reader);
  if (schema === null) throw new Error("The store that is backed up has no tables.");
  const tables: SavedTable[] = [];
  for (const table of schema.tables) tables.push(await saveTable(reader, table, writer, options));
  const sequences: SequenceStand[] = [];
  for (const name of schema.sequences) sequences.push(await readSequence(reader, name));
  return { createdAt, migrations: schema.migrations, tables, sequences };
}

async function saveTable(
  reader: Queryable,
  table: Table,
  writer: PartWriter,
  { signal, onProgress }: CreateOptions,
): Promise<SavedTable> {
  const { name, columns } = table;
  const content = await readContent(reader, table);
  let rows = 0;
  let told = 0;

  async function* texts() {
    for await (const batch of readRows(reader, table, content)) {
      signal.throwIfAborted();
      rows += batch.length;
      if (rows - told >= tellEveryRows) {
        told = rows;
        onProgress(`saving ${name}: ${rows} of ${content.rows} rows`);
      }
      yield Buffer.from(`${batch.join("\n")}\n`);
    }
  }

  const parts: Part[] = [];
  for await (const plain of cutIntoParts(texts())) parts.push(await writer.write(plain));
  if (rows !== content.rows)
    throw new Error(`The snapshot of ${name} had ${content.rows} rows, then ${rows}.`);
  if (rows > 0) onProgress(`saved ${name}: ${rows} rows`);
  return { name, columns, rows, checksum: content.checksum, parts };
}

/** The same stream as several, each of about `partBytes`. Each must be read to its end before the next is asked for. */
async function* cutIntoParts(from: AsyncIterable<Uint8Array>): AsyncGenerator<AsyncIterable<Uint8Array>> {
  const iterator = from[Symbol.asyncIterator]();
  let next = await iterator.next();

  async function* one() {
    for (let bytes = 0; next.done !== true && bytes < partBytes; next = await iterator.next()) {
      bytes += next.value.byteLength;
      yield next.value;
    }
  }

  try {
    while (next.done !== true) yield one();
  } finally {
    await iterator.return?.();
  }
}

async function saveArtifacts(options: CreateOptions, writer: PartWriter): Promise<Manifest["artifacts"]> {
  const { artifacts, request, signal, onProgress } = options;
  const included = request.withArtifacts;
  const items: SavedArtifact[] = [];
  if (artifacts === null) return { included, more: false, items };
  for (let after: string | null = ""; after !== null; ) {
    const page: Awaited<ReturnType<BlobStore["list"]>> = await artifacts.list(
      "",
      after === "" ? {} : { after },
    );
    for (const { key, bytes } of page.blobs) {
      if (key.startsWith(ourPrefix)) continue;
      if (items.length === mostArtifacts && included) throw tooManyArtifacts();
      if (items.length === mostArtifacts) return { included, more: true, items };
      const item = included
        ? await saveArtifact(artifacts, key, writer, signal)
        : { key, bytes, part: null, contentType: null };
      if (item !== null) items.push(item);
    }
    after = page.next;
  }
  if (items.length > 0) onProgress(`${included ? "saved" : "named"} ${items.length} artifacts`);
  return { included, more: false, items };
}

async function saveArtifact(
  artifacts: BlobStore,
  key: string,
  writer: PartWriter,
  signal: AbortSignal,
): Promise<SavedArtifact | null> {
  const found = await artifacts.get(key, { signal }).catch((error) => {
    // Somebody deleted it meanwhile.
    if (error instanceof MusterError && error.code === "not_found") return null;
    throw error;
  });
  if (found === null) return null;
  const { info, body } = found;
  const part = await writer.write(body);
  return { key, bytes: info.bytes, part, contentType: info.contentType };
}

const noKey = (): MusterError =>
  new MusterError("invalid_request", "There is no key to encrypt the backup with.", {
    hint: "Set MUSTER_BACKUP_KEY or MUSTER_BACKUP_KEY_FILE where the node runs, and start it again.",
  });

const tooManyArtifacts = (): MusterError =>
  new MusterError(
    "limit_exceeded",
    `There are more than ${mostArtifacts} artifacts, too many for one backup.`,
    {
      hint: "Leave --with-artifacts out, and let the bucket or the disk be copied by its own means.",
    },
  );
