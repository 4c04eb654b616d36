// Writes to a store without end and says which rows were acknowledged, until it is killed.
import { createPgliteDatabase } from "../../adapters/database/pglite/create-pglite-database.ts";

const [dataDir = ""] = process.argv.slice(2);
const database = await createPgliteDatabase({ dataDir });
await database.execute("create table if not exists row (id bigint generated always as identity, text text)");
const insert = {
  name: "insert",
  text: "insert into row (text) select repeat('x', 200) from generate_series(1, $1::int) returning id",
};
const report = (rows: { id: number }[]) => process.send?.(rows.map(({ id }) => id));

const single = async (): Promise<never> => {
  for (;;) report(await database.query<{ id: number }>(insert, [1]));
};
const grouped = async (): Promise<never> => {
  for (;;)
    report(
      await database.transaction(async (tx) => {
        await tx.query(insert, [20]);
        return tx.query<{ id: number }>(insert, [20]);
      }),
    );
};
const upkeep = async (): Promise<never> => {
  for (;;) {
    await database.maintain();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
await Promise.all([single(), grouped(), upkeep()]);
