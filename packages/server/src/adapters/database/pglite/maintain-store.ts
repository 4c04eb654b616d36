import type { Statement } from "../../../ports/database.ts";
import type { Log } from "../../../ports/log.ts";
import type { Maintainable } from "../pg/create-pg-database.ts";

/** Dead or changed rows from which a table is worth a visit: this many, or this share of it. */
const worthRows = 500;
const worthShare = 0.02;

/** PostgreSQL stops at two thousand million transactions without a freeze; we freeze long before. */
const freezeAge = 200_000_000;

/** Sends the counts of this connection to where the next statement reads them. */
const flushCounts: Statement = { name: "store_flush_counts", text: "select pg_stat_force_next_flush()" };

const tablesInNeed: Statement<{ name: string; dead: number }> = {
  name: "store_tables_in_need",
  text: `
    select quote_ident(schemaname) || '.' || quote_ident(relname) as name, n_dead_tup as dead
    from pg_stat_all_tables
    where schemaname in ('public', 'pg_catalog')
      and greatest(n_dead_tup, n_mod_since_analyze, n_ins_since_vacuum) > $1 + $2::float8 * n_live_tup
    order by n_dead_tup desc, relname`,
};

const oldestRow: Statement<{ age: number }> = {
  name: "store_oldest_row",
  text: "select max(age(datfrozenxid))::bigint as age from pg_database where datallowconn",
};

/**
 * What a PostgreSQL server does in the background and PGlite leaves to us: VACUUM and ANALYZE where rows died or
 * changed, and a checkpoint, behind which the WAL is recycled. Each is a statement of its own, so that others
 * get their turn in between.
 */
export async function maintainStore(database: Maintainable, log?: Log): Promise<void> {
  const durations: Record<string, number> = {};
  const timed = async (name: string, script: string) => {
    const from = performance.now();
    await database.execute(script);
    durations[name] = Math.round(performance.now() - from);
  };
  await database.query(flushCounts);
  for (const { name } of await database.query(tablesInNeed, [worthRows, worthShare]))
    await timed(name, `VACUUM (ANALYZE) ${name}`);
  const [oldest] = await database.query(oldestRow);
  if ((oldest?.age ?? 0) > freezeAge) await timed("freeze", "VACUUM (FREEZE)");
  await timed("checkpoint", "CHECKPOINT");
  log?.debug({ durationsMs: durations }, "The store was vacuumed and checkpointed.");
}
