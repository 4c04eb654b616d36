import type { ClientBase } from "pg";
import type { SqlValue, Statement } from "../../../ports/database.ts";

/** PostgreSQL cuts longer names off, and two statements would become one. */
const longestName = 63;

/**
 * Runs one statement under its name, so that the connection prepares it once. The same name with another text is
 * refused by `pg`.
 */
export async function runStatement<Row>(
  client: ClientBase,
  statement: Statement<Row>,
  parameters: readonly SqlValue[] = [],
): Promise<Row[]> {
  const { name, text } = statement;
  if (name.length === 0 || name.length > longestName)
    throw new Error(`A statement needs a name of 1 to ${longestName} characters, not "${name}".`);
  const result = await client.query({ name, text, values: parameters as SqlValue[] });
  return result.rows as Row[];
}
