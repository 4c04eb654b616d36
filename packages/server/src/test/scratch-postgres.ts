import { createPostgresDatabase } from "../adapters/database/postgres/create-postgres-database.ts";
import type { Database } from "../ports/database.ts";
import { type Scratch, scratchDatabase, scratchDatabaseOfUser } from "./services.ts";

const opened = async (scratch: Scratch): Promise<Database> => {
  const database = await createPostgresDatabase({ url: scratch.url, checkNesting: true });
  return {
    ...database,
    async close() {
      await database.close();
      await scratch.drop();
    },
  };
};

/** An empty database on the PostgreSQL server of the tests, which is dropped when it is closed. */
export const scratchPostgres = async (): Promise<Database> => opened(await scratchDatabase());

/** One in which the extension for vectors may not be created. */
export const scratchPostgresWithoutVector = async (): Promise<Database> =>
  opened(await scratchDatabaseOfUser());
