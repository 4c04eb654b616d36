import { createPostgresDatabase } from "../adapters/database/postgres/create-postgres-database.ts";
import type { Database } from "../ports/database.ts";
import { scratchDatabase } from "./services.ts";

/** An empty database on the PostgreSQL server of the tests, which is dropped when it is closed. */
export async function scratchPostgres(): Promise<Database> {
  const scratch = await scratchDatabase();
  const database = await createPostgresDatabase({ url: scratch.url, checkNesting: true });
  return {
    ...database,
    async close() {
      await database.close();
      await scratch.drop();
    },
  };
}
