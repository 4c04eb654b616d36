import type { Queryable, Statement } from "../ports/database.ts";
import { tablesLeftOut } from "./which-tables.ts";

export interface Column {
  /** Quoted as SQL wants it. */
  name: string;
  type: string;
}

export interface Table {
  /** As the catalogue has it. */
  name: string;
  columns: Column[];
}

/** What a store consists of, as its own catalogue says: nothing here knows the tables by name. */
export interface Schema {
  /** The migrations that it has seen, each as its number and checksum. */
  migrations: string[];
  /** Without those that are left out; what is referred to comes before what refers to it. */
  tables: Table[];
  sequences: string[];
}

const findMigrations: Statement<{ found: boolean }> = {
  name: "copy_find_migrations",
  text: "select to_regclass('migration') is not null as found",
};

const readMigrations: Statement<{ migration: string }> = {
  name: "copy_read_migrations",
  text: "select number || ' ' || checksum as migration from migration order by number",
};

const readTables: Statement<{ name: string; columns: string[]; types: string[]; needs: string[] }> = {
  name: "copy_read_tables",
  text: `
select c.relname::text as name,
  array_agg(quote_ident(a.attname) order by a.attname) as columns,
  array_agg(format_type(a.atttypid, a.atttypmod) order by a.attname) as types,
  array(select distinct r.relname::text from pg_constraint f join pg_class r on r.oid = f.confrelid
    where f.conrelid = c.oid and f.contype = 'f' and f.confrelid <> c.oid) as needs
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and c.relname <> all ($1::text[])
group by c.oid, c.relname order by c.relname`,
};

const readSequences: Statement<{ name: string }> = {
  name: "copy_read_sequences",
  text: `
select relname::text as name from pg_class
where relkind = 'S' and relnamespace = current_schema()::regnamespace order by relname`,
};

/** Null where there is no store: Muster's tables have never been made here. */
export async function readSchema(store: Queryable): Promise<Schema | null> {
  const [table] = await store.query(findMigrations);
  if (!table?.found) return null;
  const tables = await store.query(readTables, [Object.keys(tablesLeftOut)]);
  return {
    migrations: (await store.query(readMigrations)).map(({ migration }) => migration),
    tables: inOrderOfNeed(tables).map(({ name, columns, types }) => ({
      name,
      columns: columns.map((column, index) => ({ name: column, type: types[index] as string })),
    })),
    sequences: (await store.query(readSequences)).map(({ name }) => name),
  };
}

function inOrderOfNeed<T extends { name: string; needs: string[] }>(tables: readonly T[]): T[] {
  const placed = new Set<string>();
  const ordered: T[] = [];
  let open = [...tables];
  while (open.length > 0) {
    const free = open.filter(({ needs }) => needs.every((name) => placed.has(name)));
    if (free.length === 0) throw new Error(`The tables ${open.map(({ name }) => name)} refer to each other.`);
    for (const table of free) placed.add(table.name);
    ordered.push(...free);
    open = open.filter(({ name }) => !placed.has(name));
  }
  return ordered;
}
