import type { Database } from "../../ports/database.ts";
import { createGroup, type NextTurn } from "../group.ts";
import {
  type AttemptRow,
  type NeedRow,
  readAttempts,
  readDependencies,
  readTasks,
  type TaskRow,
} from "../queue/statements/read-tasks.ts";

/** Tasks in one statement: each may bring inputs and outputs of full size. */
const most = 50;

/** Reads tasks by their ids. Whoever asks at the same moment, as those do who wait for many tasks, shares a statement. */
export function createReadTogether(database: Pick<Database, "query">, nextTurn?: NextTurn) {
  const group = <Row>(
    read: (ids: readonly string[]) => Promise<readonly Row[]>,
    idOf: (row: Row) => string,
  ) =>
    createGroup<string, Row[]>({
      most,
      nextTurn,
      async run(ids) {
        const rows = new Map<string, Row[]>(ids.map((id) => [id, []]));
        for (const row of await read([...rows.keys()])) rows.get(idOf(row))?.push(row);
        return ids.map((id) => rows.get(id) ?? []);
      },
    });
  const tasks = group<TaskRow>(
    (ids) => database.query(readTasks, [ids]),
    (row) => row.id,
  );
  return {
    task: async (id: string): Promise<TaskRow | undefined> => (await tasks(id))[0],
    needs: group<NeedRow>(
      (ids) => database.query(readDependencies, [ids, "need"]),
      (row) => row.task_id,
    ),
    attempts: group<AttemptRow>(
      (ids) => database.query(readAttempts, [ids]),
      (row) => row.task_id,
    ),
  };
}
