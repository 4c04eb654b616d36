import type { DatabaseFacts } from "@muster/sdk/protocol";
import type { Database } from "../../ports/database.ts";
import { readDatabaseFacts } from "../queue/statements/vector-index.ts";

/** The oldest version of the extension `vector` that has an index of what memories are searched by. */
const leastVector = [0, 7] as const;

/** Whether a version such as 0.8.1 is at least another. */
export const isVersionSince = (version: string, [least, second]: readonly [number, number]): boolean => {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > least || (major === least && minor >= second);
};

/** What a database is, and whether it can search by meaning with an index. It is looked at and not changed. */
export async function lookAtDatabase(database: Database): Promise<DatabaseFacts> {
  const [row] = await database.query(readDatabaseFacts);
  if (row === undefined) throw new Error("A database has a version.");
  const { version, vector, offered } = row;
  return {
    kind: database.embedded === true ? "embedded" : "postgresql",
    version,
    vector: {
      version: vector,
      available: offered,
      index: vector !== null && isVersionSince(vector, leastVector),
    },
  };
}
