import { randomUUID } from "node:crypto";
import { MusterError } from "@muster/sdk/protocol";
import { rowsIn, unhurried } from "../migrate-store/copy-store.ts";
import { readSchema, type Schema, type Table } from "../migrate-store/read-schema.ts";
import { insertRows, readContent, writeSequence } from "../migrate-store/table-content.ts";
import { type Migration, migrate } from "../migrations/migrate.ts";
import type { BackupTable } from "../ports/backups.ts";
import type { Database, Queryable, Statement } from "../ports/database.ts";
import type { Archive, Archives } from "./archives.ts";
import { type Manifest, partsOf, type SavedTable } from "./manifest.ts";
import { unpackPart } from "./pack-part.ts";
import { readLines } from "./read-lines.ts";
import { takeBackTasks } from "./take-back-tasks.ts";

export interface RestoreOptions {
  archives: Archives;
  archive: Archive;
  /** Must hold nothing. Nobody else uses it meanwhile. */
  to: Database;
  migrations: readonly Migration[];
  /** True for a trial: the content and nothing else. */
  trial: boolean;
  now: () => number;
  onProgress: (sentence: string) => void;
  signal?: AbortSignal;
}

export interface RestoreReport {
  id: string;
  /** The moment that the archive shows. */
  at: string;
  tables: BackupTable[];
  /** Tasks that agents worked on at that moment; they are ready for another attempt. */
  takenBack: number;
}

/**
 * Numbers that nothing gets after a restore. The world that was lost went on numbering after the backup: a follower who
 * saw its events must not take new ones for known, and a holder of its locks must not have the higher fence.
 */
const lostNumbers = 1_000_000_000;
const tellEveryRows = 100_000;

/** Leases of the world that was lost are void. $1 a token that nobody was ever told. */
const voidLeases: Statement = {
  name: "restore_void_leases",
  text: `
update task set lease_token = $1::uuid
where lease_token is not null and status in ('in_progress', 'waiting', 'ready')`,
};

/**
 * Puts what an archive holds into an empty database. All of the archive is read and checked first, then all rows are
 * written and compared in one transaction; so what is damaged changes nothing, and an interrupted restore leaves empty
 * tables at most. The tables are made as the archive has them and brought up to this program afterwards.
 *
 * Errors: `content_damaged`, `conflict` where the target holds something, or the archive is of another or a newer program,
 * `checksum_mismatch` where what arrived is not what was saved.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const { archive, to, migrations, trial, onProgress } = options;
  const { manifest } = archive;
  refuseForeign(manifest, migrations);
  await refuseTaken(to, manifest);
  await readThrough(options);
  await migrate(to, migrations.slice(0, manifest.migrations.length), { onProgress });
  const schema = (await readSchema(to)) as Schema;
  refuseOtherTables(manifest, schema);
  const tables = await to.transaction(async (tx) => {
    await tx.query(unhurried);
    return writeAll(tx, schema, options);
  });
  await migrate(to, migrations, { onProgress });
  const takenBack = trial ? 0 : await takeBackTasks(to, options.now());
  await to.execute("analyze");
  await to.maintain();
  return { id: manifest.id, at: manifest.createdAt, tables, takenBack };
}

function refuseForeign({ id, migrations: seen, program }: Manifest, migrations: readonly Migration[]): void {
  if (seen.length <= migrations.length) return;
  throw new MusterError(
    "conflict",
    `Backup ${id} was written by a newer version of Muster (${program}) than this one.`,
    {
      hint: "Use the version that wrote it, or a newer one.",
    },
  );
}

/** The target may have tables, if they are those of this archive or of an older program, and empty. */
export async function refuseTaken(to: Database, manifest: Manifest): Promise<void> {
  const there = await readSchema(to);
  if (there === null) return;
  if (!there.migrations.every((migration, index) => migration === manifest.migrations[index]))
    throw new MusterError("conflict", "The target has tables of another version than the backup.", {
      hint: "Restore into a new database or folder.",
    });
  const held = await to.transaction((tx) => rowsIn(tx, there.tables));
  if (held.length === 0) return;
  throw new MusterError(
    "conflict",
    `The target is not empty: ${held.map(({ name, rows }) => `${name} ${rows}`).join(", ")}.`,
    { hint: "Restore into a new database or folder. --force makes one beside it and leaves this as it is." },
  );
}

/** Reads every part once, so that nothing is touched for an archive that is damaged. */
async function readThrough({ archives, archive, onProgress, signal }: RestoreOptions): Promise<void> {
  const { manifest, seal } = archive;
  const parts = partsOf(manifest);
  for (const part of parts) {
    signal?.throwIfAborted();
    const stored = await archives.part(manifest.id, part);
    for await (const _ of unpackPart(manifest.id, part, stored, seal));
  }
  onProgress(`checked ${parts.length} parts: every byte is as it was written`);
}

/** SQL is made of what the database says of itself, never of what an archive says. */
function refuseOtherTables({ id, tables, migrations }: Manifest, schema: Schema): void {
  const describe = (list: readonly (Table | SavedTable)[]) =>
    JSON.stringify(
      list.map(({ name, columns }) => [name, columns.map((column) => [column.name, column.type])]).sort(),
    );
  const isSame =
    JSON.stringify(migrations) === JSON.stringify(schema.migrations) &&
    describe(tables) === describe(schema.tables);
  if (isSame) return;
  throw new MusterError("conflict", `Backup ${id} has other tables than this program makes.`, {
    hint: "It was written by another program than the one that its version names: use that one.",
  });
}

async function writeAll(tx: Queryable, schema: Schema, options: RestoreOptions): Promise<BackupTable[]> {
  const { archive, trial } = options;
  const all = schema.tables.map(({ name }) => `"${name}"`).join(", ");
  // What the migrations themselves put in is in the archive, too.
  // What is made of these tables and in no archive goes with them, and is made anew.
  await tx.query({ name: "restore_truncate", text: `truncate ${all} cascade` });
  const tables: BackupTable[] = [];
  for (const table of schema.tables) tables.push(await writeTable(tx, table, options));
  for (const stand of archive.manifest.sequences) {
    if (!schema.sequences.includes(stand.name)) throw new Error(`There is no sequence ${stand.name}.`);
    await writeSequence(tx, stand, trial ? 0 : lostNumbers);
  }
  if (!trial) await tx.query(voidLeases, [randomUUID()]);
  return tables;
}

async function writeTable(tx: Queryable, table: Table, options: RestoreOptions): Promise<BackupTable> {
  const { archives, archive, onProgress, signal } = options;
  const { id, tables } = archive.manifest;
  const saved = tables.find(({ name }) => name === table.name) as SavedTable;
  let rows = 0;
  let told = 0;
  for (const part of saved.parts) {
    const stored = await archives.part(id, part);
    for await (const lines of readLines(unpackPart(id, part, stored, archive.seal))) {
      signal?.throwIfAborted();
      await insertRows(tx, table, lines);
      rows += lines.length;
      if (rows - told < tellEveryRows) continue;
      told = rows;
      onProgress(`restoring ${table.name}: ${rows} of ${saved.rows} rows`);
    }
  }
  const { checksum, ...arrived } = await readContent(tx, table);
  if (arrived.rows !== saved.rows || checksum !== saved.checksum)
    throw new MusterError(
      "checksum_mismatch",
      `Table ${table.name} is not what was saved: ${saved.rows} rows with checksum ${saved.checksum} became ${arrived.rows} with ${checksum}. Nothing was kept.`,
      { hint: "Report this with the output of `muster version` and `muster backup show`." },
    );
  if (rows > 0) onProgress(`restored ${table.name}: ${rows} rows, compared`);
  return { name: table.name, rows, checksum };
}
