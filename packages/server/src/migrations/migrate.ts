import { MusterError } from "@muster/sdk/protocol";
import type { Database, Statement } from "../ports/database.ts";

/** One step of the schema. Frozen once it was published: a store that ran it must never see another text. */
export interface Migration {
  /** Counts from 1 without a gap. */
  number: number;
  name: string;
  sql: string;
}

interface Applied {
  number: number;
  name: string;
  checksum: string;
}

const findTable: Statement<{ found: boolean }> = {
  name: "migration_find_table",
  text: "select to_regclass('migration') is not null as found",
};

const createTable = `
  create table if not exists migration (
    number      integer primary key,
    name        text not null,
    checksum    text not null,
    applied_at  timestamptz not null default now()
  )`;

const listApplied: Statement<Applied> = {
  name: "migration_list_applied",
  text: "select number, name, checksum from migration order by number",
};

/** The checksum is PostgreSQL's own, so that every place that migrates reckons it alike. */
const checksumOf: Statement<{ checksum: string }> = {
  name: "migration_checksum",
  text: "select encode(sha256(convert_to($1, 'UTF8')), 'hex') as checksum",
};

/**
 * Brings the tables of a store up to this program: runs the migrations that it has not seen, in order, each in a
 * transaction with the row that records it. Resolves with the names of those it ran. Nodes that start at once are
 * fine: one runs a migration, the others wait and find it done.
 *
 * Errors: `conflict` where the store is newer than the program or ran a migration with another text.
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<string[]> {
  migrations.forEach(({ number, name }, index) => {
    if (!/^[a-z0-9-]+$/.test(name)) throw new Error(`A migration's name is lower-case words, not "${name}".`);
    if (number !== index + 1)
      throw new Error(`Migration ${name} has number ${number} in place ${index + 1}.`);
  });
  await ensureTable(database);
  refuseNewer(await database.query(listApplied), migrations);
  const done: string[] = [];
  for (const migration of migrations) if (await apply(database, migration)) done.push(migration.name);
  return done;
}

function refuseNewer(applied: readonly Applied[], migrations: readonly Migration[]): void {
  const newest = applied.at(-1);
  if (newest && newest.number > migrations.length)
    throw new MusterError(
      "conflict",
      `The store is newer than this program: it has migration ${newest.number} (${newest.name}), the program ends at ${migrations.length}.`,
      { hint: "Use the version of Muster that wrote the store, or a newer one." },
    );
}

async function ensureTable(database: Database): Promise<void> {
  const exists = async () => (await database.query(findTable))[0]?.found === true;
  if (await exists()) return;
  await database.execute(createTable).catch(async (error) => {
    // Another node that created it at the same moment makes PostgreSQL report a clash of names.
    if (!(await exists())) throw error;
  });
}

/** True where this call ran the migration. */
async function apply(database: Database, { number, name, sql }: Migration): Promise<boolean> {
  const [row] = await database.query(checksumOf, [sql]);
  const checksum = row?.checksum ?? "";
  const isDone = async () => {
    const known = (await database.query(listApplied)).find((applied) => applied.number === number);
    if (known && known.checksum !== checksum) throw changed(known, name);
    return known !== undefined;
  };
  if (await isDone()) return false;
  // A script without BEGIN is one transaction. Its row comes first: a node that is late waits at the primary key.
  const record = `insert into migration (number, name, checksum) values (${number}, '${name}', '${checksum}')`;
  try {
    await database.execute(`${record};\n${sql}`);
    return true;
  } catch (error) {
    if (await isDone()) return false;
    throw failed(number, name, error);
  }
}

function failed(number: number, name: string, cause: unknown): Error {
  if (cause instanceof MusterError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Error(`Migration ${number} (${name}) failed and left nothing behind: ${reason}`, { cause });
}

function changed(known: Applied, name: string): MusterError {
  return new MusterError(
    "conflict",
    `Migration ${known.number} (${name}) has another text than when the store ran it.`,
    { hint: "Migrations are frozen once they ran: undo the change and add a new migration instead." },
  );
}
