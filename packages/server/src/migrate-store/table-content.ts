import type { Queryable, Statement } from "../ports/database.ts";
import type { Table } from "./read-schema.ts";

/** What a table holds, in a form that two databases can be compared by. */
export interface TableContent {
  rows: number;
  /** The sum of the hashes of all rows: the same in whatever order they lie. */
  checksum: string;
  /** Bytes of the longest row. */
  longest: number;
}

/** Bytes that are under way between two databases at once, as far as single rows let it. */
const batchBytes = 4 * 1024 * 1024;
const mostRows = 1_000;

/** Rows as JSON texts, every column as PostgreSQL's own text of it, so that not a bit of a value is lost. */
const rowsOf = ({ name, columns }: Table): string =>
  `select row_to_json(x)::text as row from (select ${columns
    .map((column) => `${column.name}::text as ${column.name}`)
    .join(", ")} from "${name}") x`;

/** Reckons in the database itself, so that what is compared is what is stored there. */
export async function readContent(store: Queryable, table: Table): Promise<TableContent> {
  const statement: Statement<TableContent> = {
    name: `copy_sum_${table.name}`,
    text: `
select count(*) as rows, coalesce(max(octet_length(row)), 0)::bigint as longest,
  coalesce(sum(('x' || encode(substring(sha256(convert_to(row, 'UTF8')) for 8), 'hex'))::bit(64)::bigint), 0)::text as checksum
from (${rowsOf(table)}) r`,
  };
  return (await store.query(statement))[0] as TableContent;
}

/**
 * All rows as JSON texts, a batch at a time, through a cursor: inside a transaction, with bounded memory. `longest` is
 * that of the table's content.
 */
export async function* readRows(
  from: Queryable,
  table: Table,
  { longest }: Pick<TableContent, "longest">,
): AsyncGenerator<string[]> {
  const { name } = table;
  const atOnce = Math.max(1, Math.min(mostRows, Math.floor(batchBytes / Math.max(1, longest))));
  const cursor = `"copy_of_${name}"`;
  const fetch: Statement<{ row: string }> = {
    name: `copy_fetch_${atOnce}_${name}`,
    text: `fetch ${atOnce} from ${cursor}`,
  };
  await from.query({
    name: `copy_open_${name}`,
    text: `declare ${cursor} no scroll cursor for ${rowsOf(table)}`,
  });
  for (;;) {
    const rows = await from.query(fetch);
    if (rows.length > 0) yield rows.map(({ row }) => row);
    if (rows.length < atOnce) break;
  }
  await from.query({ name: `copy_close_${name}`, text: `close ${cursor}` });
}

/** Writes rows that `readRows` gave into a table with the same columns. */
export async function insertRows(
  to: Queryable,
  { name, columns }: Table,
  rows: readonly string[],
): Promise<void> {
  const names = columns.map((column) => column.name);
  const insert: Statement = {
    name: `copy_insert_${name}`,
    text: `
insert into "${name}" (${names.join(", ")}) overriding system value
select ${columns.map((column) => `${column.name}::${column.type}`).join(", ")}
from json_to_recordset($1::json) as r(${names.map((column) => `${column} text`).join(", ")})`,
  };
  await to.query(insert, [`[${rows.join(",")}]`]);
}

/** Where a sequence stands. */
export interface SequenceStand {
  name: string;
  at: string;
  called: boolean;
}

export async function readSequence(from: Queryable, name: string): Promise<SequenceStand> {
  const [stand] = await from.query<{ at: string; called: boolean }>({
    name: `copy_seq_read_${name}`,
    text: `select last_value::text as at, is_called as called from "${name}"`,
  });
  return { name, at: stand?.at ?? "1", called: stand?.called ?? false };
}

/** Lets a sequence go on where that of the other database stands, and so many numbers later. */
export async function writeSequence(
  to: Queryable,
  { name, at, called }: SequenceStand,
  leap = 0,
): Promise<void> {
  await to.query(
    {
      name: "copy_seq_write",
      text: "select setval(quote_ident($1)::regclass, $2::text::bigint + $3::bigint, $4::bool)",
    },
    [name, at, leap, called],
  );
}
