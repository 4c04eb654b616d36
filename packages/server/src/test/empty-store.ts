import type { Database, Statement } from "../ports/database.ts";

/** Times a store is emptied before the rows that died, and the log of their writing, are cleared away. */
const timesPerVacuum = 25;

/** Triggers are left out, since everything goes; numbers begin at the beginning. */
const deletion: Statement<{ script: string }> = {
  name: "test_deletion",
  text: `
select 'set session_replication_role = replica;'
  || (select string_agg(format('delete from %I;', tablename), '' order by tablename)
      from pg_tables where schemaname = 'public' and tablename <> 'migration')
  || (select string_agg(format('select setval(%L, %s, false);', format('%I.%I', schemaname, sequencename), start_value), ''
        order by sequencename)
      from pg_sequences where schemaname = 'public')
  || 'set session_replication_role = origin;' as script`,
};

/**
 * Empties an embedded store again and again. Rows are deleted and tables not truncated: new files of tables would make
 * every statement be planned anew, which takes longer than most of what a test does.
 */
export async function createEmptying(store: Database): Promise<() => Promise<void>> {
  const [row] = await store.query(deletion);
  const script = row!.script;
  let times = 0;
  return async () => {
    await store.execute(script);
    times += 1;
    if (times % timesPerVacuum !== 0) return;
    await store.execute("vacuum");
    await store.execute("checkpoint");
  };
}
