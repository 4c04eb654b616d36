import { MusterError } from "@muster/sdk/protocol";
import { type Migration, migrate } from "../migrations/migrate.ts";
import type { Database, Queryable, Statement } from "../ports/database.ts";
import { readSchema, type Schema, type Table } from "./read-schema.ts";
import {
  insertRows,
  readContent,
  readRows,
  readSequence,
  type TableContent,
  writeSequence,
} from "./table-content.ts";

export interface CopyOptions {
  from: Database;
  /** Null, for a rehearsal only: there is nothing yet. */
  to: Database | null;
  migrations: readonly Migration[];
  /** Looks and checks, and changes nothing. */
  dryRun: boolean;
  /** Replaces what the target holds. Without it a target that holds anything is refused. */
  force: boolean;
  onProgress: (sentence: string) => void;
}

export interface CopiedTable {
  name: string;
  rows: number;
  /** The same on both sides. */
  checksum: string;
}

export interface CopyReport {
  dryRun: boolean;
  tables: CopiedTable[];
  /** What the target held and, unless this was a rehearsal, holds no more. */
  replaced: { name: string; rows: number }[];
}

/** How often the copying of one table is told of, in rows. */
const tellEveryRows = 50_000;

/** A copy takes its time, and reads whole tables: what guards and guides short statements is off. */
export const unhurried: Statement = {
  name: "copy_unhurried",
  text: `
select set_config(name, case when name like 'enable%' then 'on' else '0' end, true)
from unnest(array['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'enable_seqscan']) as name`,
};

/**
 * Copies a store into another database: every table and sequence that its catalogue names, in one transaction of the
 * target, which is committed only after counts and checksums of both sides were found equal. So an interrupted copy leaves
 * empty tables at most. The source is only read, and the caller keeps everybody else away from both.
 *
 * The target gets the tables as the source has them and is brought up to this program afterwards.
 *
 * Errors: `not_found` where the source holds no store; `conflict` where the target holds something already or is ahead
 * of the source; `checksum_mismatch` where the two sides differ after the copy.
 */
export async function copyStore(options: CopyOptions): Promise<CopyReport> {
  const { from, to, migrations, dryRun, onProgress } = options;
  const schema = await readSchema(from);
  if (schema === null) throw nothingToCopy();
  if (schema.migrations.length > migrations.length) throw sourceIsNewer();
  if (to !== null) refuseAhead(schema, await readSchema(to));
  if (to === null || dryRun) return rehearse(options, schema);
  await migrate(to, migrations.slice(0, schema.migrations.length), { onProgress });
  refuseAhead(schema, await readSchema(to));
  const report = await to.transaction(async (target) => {
    await target.query(unhurried);
    return from.transaction(async (source) => {
      await source.query(unhurried);
      return copyAll(source, target, schema, options);
    });
  });
  await migrate(to, migrations, { onProgress });
  await to.execute("analyze");
  await to.maintain();
  return report;
}

async function rehearse({ from, to, force }: CopyOptions, { tables }: Schema): Promise<CopyReport> {
  const held =
    to === null || (await readSchema(to)) === null ? [] : await to.transaction((tx) => rowsIn(tx, tables));
  if (held.length > 0 && !force) throw notEmpty(held);
  const counted = await from.transaction(async (source) => {
    await source.query(unhurried);
    const copied: CopiedTable[] = [];
    for (const table of tables) copied.push(entryOf(table, await readContent(source, table)));
    return copied;
  });
  return { dryRun: true, tables: counted, replaced: held };
}

async function copyAll(
  source: Queryable,
  target: Queryable,
  { tables, sequences }: Schema,
  { force, onProgress }: CopyOptions,
): Promise<CopyReport> {
  const all = tables.map(({ name }) => `"${name}"`).join(", ");
  // Nobody writes there before this is over, whoever may have come in.
  await target.query({ name: "copy_lock", text: `lock table ${all} in exclusive mode` });
  const replaced = await rowsIn(target, tables);
  if (replaced.length > 0) {
    if (!force) throw notEmpty(replaced);
    onProgress(`replacing what the target holds: ${listed(replaced)}`);
    // What is made of these tables and not copied goes with them, and is made anew.
    await target.query({ name: "copy_truncate", text: `truncate ${all} cascade` });
  }
  const copied: CopiedTable[] = [];
  for (const table of tables) copied.push(await copyTable(source, target, table, onProgress));
  for (const name of sequences) await writeSequence(target, await readSequence(source, name));
  return { dryRun: false, tables: copied, replaced };
}

async function copyTable(
  source: Queryable,
  target: Queryable,
  table: Table,
  onProgress: (sentence: string) => void,
): Promise<CopiedTable> {
  const content = await readContent(source, table);
  let rows = 0;
  let told = 0;
  for await (const batch of readRows(source, table, content)) {
    await insertRows(target, table, batch);
    rows += batch.length;
    if (rows - told < tellEveryRows) continue;
    told = rows;
    onProgress(`copying ${table.name}: ${rows} of ${content.rows} rows…`);
  }
  const arrived = await readContent(target, table);
  if (arrived.rows !== content.rows || arrived.checksum !== content.checksum)
    throw differs(table, content, arrived);
  onProgress(`copied ${table.name}: ${content.rows} rows, compared`);
  return entryOf(table, content);
}

const entryOf = ({ name }: Table, { rows, checksum }: TableContent): CopiedTable => ({
  name,
  rows,
  checksum,
});

/** The tables that hold anything, with how much. */
export async function rowsIn(
  store: Queryable,
  tables: readonly Table[],
): Promise<{ name: string; rows: number }[]> {
  const held: { name: string; rows: number }[] = [];
  for (const { name } of tables) {
    const [row] = await store.query<{ rows: number }>({
      name: `copy_count_${name}`,
      text: `select count(*) as rows from "${name}"`,
    });
    if (row !== undefined && row.rows > 0) held.push({ name, rows: row.rows });
  }
  return held;
}

const listed = (held: readonly { name: string; rows: number }[]): string =>
  held.map(({ name, rows }) => `${name} ${rows}`).join(", ");

/** The target may lack migrations, and those that it has must be the source's. */
function refuseAhead(source: Schema, target: Schema | null): void {
  if (target === null) return;
  const same = target.migrations.every((migration, index) => migration === source.migrations[index]);
  if (!same)
    throw new MusterError("conflict", "The target has tables of another version than the source.", {
      hint: "Open the source once with this version of Muster (muster run list), or copy into a new database.",
    });
}

const nothingToCopy = (): MusterError =>
  new MusterError("not_found", "The source holds no store of Muster.", {
    hint: "Name the data folder or the database that has one with --from.",
  });

const sourceIsNewer = (): MusterError =>
  new MusterError("conflict", "The source was written by a newer version of Muster than this one.", {
    hint: "Use the version that wrote it, or a newer one.",
  });

const notEmpty = (held: readonly { name: string; rows: number }[]): MusterError =>
  new MusterError("conflict", `The target is not empty: ${listed(held)}.`, {
    hint: "Copy into a new database. --force replaces what is there, for good.",
  });

const differs = ({ name }: Table, left: TableContent, right: TableContent): MusterError =>
  new MusterError(
    "checksum_mismatch",
    `Table ${name} differs after the copy: ${left.rows} rows with checksum ${left.checksum} became ${right.rows} with ${right.checksum}. Nothing was kept.`,
    { hint: "Report this with the versions of both sides: muster version" },
  );
