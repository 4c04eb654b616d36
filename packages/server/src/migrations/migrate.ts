import { setTimeout as pause } from "node:timers/promises";
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

/** What is raised where somebody else has the lock: a SQLSTATE of our own. */
const busy = "MUBSY";

/** The transaction's own lock, which goes with it, however it ends. The number is "migrate" in letters. */
const takeLock = `
  do $$ begin
    if not pg_try_advisory_xact_lock(${0x6d_6967_7261_7465n}) then
      raise exception 'another node is migrating' using errcode = '${busy}';
    end if;
  end $$`;

/** How often a node that waits for another asks again, and says so. */
const askEveryMs = 200;
const sayEveryMs = 5_000;

const listApplied: Statement<Applied> = {
  name: "migration_list_applied",
  text: "select number, name, checksum from migration order by number",
};

/** The checksum is PostgreSQL's own, so that every place that migrates reckons it alike. */
const checksumOf: Statement<{ checksum: string }> = {
  name: "migration_checksum",
  text: "select encode(sha256(convert_to($1, 'UTF8')), 'hex') as checksum",
};

export interface MigrateOptions {
  /** How long to wait for another node that is migrating; 10 minutes when left out. */
  waitMs?: number;
  /** Told, in sentences, what is waited for. */
  onProgress?: (sentence: string) => void;
}

/**
 * Brings the tables of a store up to this program: runs the migrations that it has not seen, in order, each in a
 * transaction with the row that records it. Resolves with the names of those it ran. Nodes that start at once are
 * fine: one runs a migration, the others wait and find it done. One that dies leaves a migration whole or undone.
 *
 * Errors: `conflict` where the store is newer than the program or ran a migration with another text, `unavailable` where
 * another node went on migrating for longer than `waitMs`.
 */
export async function migrate(
  database: Database,
  migrations: readonly Migration[],
  options: MigrateOptions = {},
): Promise<string[]> {
  migrations.forEach(({ number, name }, index) => {
    if (!/^[a-z0-9-]+$/.test(name)) throw new Error(`A migration's name is lower-case words, not "${name}".`);
    if (number !== index + 1)
      throw new Error(`Migration ${name} has number ${number} in place ${index + 1}.`);
  });
  const [table] = await database.query(findTable);
  if (!table?.found) await executeAlone(database, createTable, options);
  refuseNewer(await database.query(listApplied), migrations);
  const done: string[] = [];
  for (const migration of migrations)
    if (await apply(database, migration, options)) done.push(migration.name);
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

/** True where this call ran the migration. */
async function apply(
  database: Database,
  { number, name, sql }: Migration,
  options: MigrateOptions,
): Promise<boolean> {
  const [row] = await database.query(checksumOf, [sql]);
  const checksum = row?.checksum ?? "";
  const isDone = async () => {
    const known = (await database.query(listApplied)).find((applied) => applied.number === number);
    if (known && known.checksum !== checksum) throw changed(known, name);
    return known !== undefined;
  };
  if (await isDone()) return false;
  // Its row comes first: where another node was quicker, the primary key ends the script before it changes anything.
  const record = `insert into migration (number, name, checksum) values (${number}, '${name}', '${checksum}')`;
  try {
    await executeAlone(database, `${record};\n${sql}`, options);
    return true;
  } catch (error) {
    if (await isDone()) return false;
    throw failed(number, name, error);
  }
}

/**
 * Runs a script as one transaction, in which nobody else migrates. It asks for the lock and does not queue for it, so
 * that whoever waits can say so and give up. A migration may take longer than other statements.
 */
async function executeAlone(database: Database, script: string, options: MigrateOptions): Promise<void> {
  const { waitMs = 600_000, onProgress = () => {} } = options;
  const from = performance.now();
  let saidMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    try {
      return await database.execute(`${takeLock};\nset local statement_timeout = 0;\n${script}`);
    } catch (error) {
      if ((error as { code?: unknown }).code !== busy) throw error;
    }
    const waitedMs = performance.now() - from;
    if (waitedMs >= waitMs) throw stillBusy(waitedMs);
    if (waitedMs - saidMs >= sayEveryMs) {
      onProgress(
        `another node is migrating the database; waiting for it (${Math.round(waitedMs / 1_000)} s)…`,
      );
      saidMs = waitedMs;
    }
    await pause(askEveryMs);
  }
}

function stillBusy(waitedMs: number): MusterError {
  return new MusterError(
    "unavailable",
    `Another node has been migrating the database for ${Math.round(waitedMs / 1_000)} s.`,
    { hint: "Wait until it has finished, or end its connection to the database, then start again." },
  );
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
